"""What an app's modules import, and whether they can be linked."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from viraljs.graph import Graph, Part
from viraljs.nearness import Distance


def part(*imports, offers=(), reason=None, digest="d"):
    return Part(digest, 100, shared=True, nearby=Distance.ANY, reason=reason, imports=imports, offers=offers)


def graph_of(limit=100, **parts):
    graph = Graph(limit)
    for url, one in parts.items():
        graph.note(url, one)
    return graph


def linked(graph, url="a"):
    found = graph.closure(url)
    return None if found is None else {one.digest for one in found}


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"a": part()}, {"d"}),
        ({"a": part("b", digest="A"), "b": part(digest="B")}, {"A", "B"}),
        ({"a": part("b", "c"), "b": part("d"), "c": part("d"), "d": part()}, {"d"}),
        ({"a": part("b", "c"), "b": part("c"), "c": part()}, {"d"}),
        ({}, None),
        ({"a": part("b")}, None),
        ({"a": part(reason="imports")}, None),
        ({"a": part("b"), "b": part(reason="module-syntax")}, None),
        ({"a": part("a")}, None),
        ({"a": part("b"), "b": part("a")}, None),
        ({"a": part("b"), "b": part("c"), "c": part("b")}, None),
        ({"a": part("b", "c"), "b": part("d"), "c": part(), "d": part("c", "b")}, None),
    ],
)
def test_what_a_module_imports_must_be_known_and_fit_and_no_circle(parts, expected):
    assert linked(graph_of(**parts)) == expected


@pytest.mark.parametrize(
    ("parts", "fit"),
    [
        ({"a": part(offers=("b",))}, True),
        ({"a": part(offers=("b",)), "b": part()}, True),
        ({"a": part(offers=("b",)), "b": part("c")}, True),
        ({"a": part(offers=("b",)), "b": part("a")}, True),
        ({"a": part(offers=("b",)), "b": part(offers=("a",))}, True),
        ({"a": part(offers=("b",)), "b": part(reason="imports")}, False),
        ({"a": part(offers=("b",)), "b": part("c"), "c": part("b")}, False),
        ({"a": part(offers=("b",)), "b": part(offers=("c",)), "c": part(reason="imports")}, False),
        ({"a": part("b"), "b": part(offers=("c",)), "c": part(reason="imports")}, False),
    ],
)
def test_what_may_be_imported_later_must_be_fit_as_far_as_it_is_known(parts, fit):
    assert (linked(graph_of(**parts)) is not None) is fit


@pytest.mark.parametrize(
    ("parts", "unfit"),
    [
        ({}, False),
        ({"a": part()}, False),
        ({"a": part("b")}, False),
        ({"a": part("b", reason="imports")}, True),
        ({"a": part("c", "b"), "b": part(reason="imports")}, True),
        ({"a": part("b", "c"), "b": part("a")}, True),
        ({"a": part("c", offers=("b",)), "b": part(reason="imports")}, True),
    ],
)
def test_unfit_is_what_nothing_that_may_be_learned_yet_could_mend(parts, unfit):
    assert graph_of(**parts).is_unfit("a") is unfit


def test_what_is_seen_again_is_not_the_oldest():
    graph = graph_of(2, a=part(), b=part())
    graph.note("a", part())
    graph.note("c", part())
    assert [graph.find(url) is not None for url in "abc"] == [True, False, True]


def test_questions_about_strangers_leave_nothing_behind():
    graph = graph_of(a=part())
    for number in range(100):
        assert graph.closure(f"x{number}") is None
        assert not graph.is_unfit(f"x{number}")
    assert not graph._answers


def test_what_is_imported_later_is_no_part_of_what_is_needed_first():
    graph = graph_of(a=part(offers=("b",), digest="A"), b=part(digest="B"))
    assert linked(graph) == {"A"}


def test_an_answer_changes_with_what_is_known():
    graph = graph_of(a=part("b"))
    assert linked(graph) is None
    graph.note("b", part())
    assert linked(graph) == {"d"}
    graph.note("b", part("a"))
    assert linked(graph) is None


def test_the_oldest_is_forgotten():
    graph = graph_of(2, a=part(), b=part(), c=part())
    assert [graph.find(url) is not None for url in "abc"] == [False, True, True]


def test_a_long_chain_is_no_matter():
    graph = Graph(10_000)
    for number in range(5_000):
        graph.note(str(number), part(str(number + 1)))
    graph.note("5000", part())
    found = graph.closure("0")
    assert found is not None
    assert len(found) == 5_001


def test_threads_may_share_it():
    graph = Graph(50)

    def work(number):
        for step in range(200):
            graph.note(f"{(number * step) % 70}", part(f"{step % 70}"))
            graph.closure(f"{step % 70}")
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))
