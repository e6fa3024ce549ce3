"""Those who are still receiving give what they have, and the end of one who gives costs only what was on its way."""

import pytest

from tests.browser.patches import UNHURRIED_MS, leaves_after, paces, stalls_after
from tests.support.site import bundle
from tests.support.until import until

PIECE_BYTES = 131_072
SIZE = 16 * PIECE_BYTES
HALF = SIZE // 2
MESSAGE_BYTES = 65_548
"""A data frame with its header; two of them make a piece."""
SHORT_MS = 500


@pytest.fixture
def streaming_site(make_site):
    """A site whose first visitor streams."""
    site = make_site(stream_size=1)
    site.bundles["app.js"] = bundle(SIZE)
    return site


def assert_ran_once(browser):
    assert browser.js("[runs, answer, visits, errors]") == [1, 42, 1, []]


def shares(record):
    return record["source"], record["bytesFromPeers"], record["bytesFromServer"]


def half_way(site, count):
    """Wait until so many peers have announced about half of the bundle, and none more; give their names."""
    peers = until(
        lambda: (
            len(found := [peer for peer, percent in site.progress().items() if 40 <= percent <= 50]) == count and found
        ),
        f"{count} peers with half the bundle",
    )
    assert max(site.progress().values()) <= 50
    return peers


# While pieces are still coming ------------------------------------------------------------------------


def test_pieces_are_passed_on_while_the_next_are_still_coming(streaming_site, browsers):
    site = streaming_site
    with site.dammed(HALF) as release:
        first = browsers(page_load_strategy="none").visit(site.url())
        [streaming] = half_way(site, 1)
        second = browsers(page_load_strategy="none").visit(site.url())
        half_way(site, 2)
        assert first.js("[typeof runs, ViralJS.deliveries.length]") == ["undefined", 0]
        release()
        assert shares(first.delivery()) == ("server", 0, SIZE)
        assert shares(second.delivery()) == ("peers", SIZE, 0)
    assert site.direct_bytes() == SIZE
    assert site.kinds() == ["thin", "untouched; reason=direct", "thin"]
    assert [upload["seeder"] for upload in second.delivery()["uploads"]] == [streaming]
    for visitor in (first, second):
        assert_ran_once(visitor)
    assert streaming in site.wait_for_seeders(2)


def test_one_that_waited_passes_on_what_it_got(streaming_site, browsers):
    site = streaming_site
    with site.dammed(HALF) as release:
        visitors = []
        for count in (1, 2, 3):
            visitors.append(browsers(page_load_strategy="none").visit(site.url()))
            half_way(site, count)
        release()
        records = [visitor.delivery() for visitor in visitors]
    assert [shares(record) for record in records] == [("server", 0, SIZE), ("peers", SIZE, 0), ("peers", SIZE, 0)]
    assert len(records[2]["uploads"]) == 2
    assert site.direct_bytes() == SIZE
    for visitor in visitors:
        assert_ran_once(visitor)


def test_the_one_that_was_asked_takes_pieces_too(make_site, browsers):
    site = make_site(stream_size=1, deadline=SHORT_MS)
    site.bundles["app.js"] = bundle(SIZE)
    # Nothing comes of the stream; what the second visitor asks for by ranges does.
    # Both are open beforehand: a server that does not begin to answer is given up after some seconds.
    first, second = (browsers(page_load_strategy="none") for _ in range(2))
    with site.dammed(0, status=200):
        first.visit(site.url())
        until(lambda: site.sent("/b/app.js", "viraljs=direct") and site.progress(), "the first to stream")
        second.visit(site.url())
        assert second.delivery()["bytesFromServer"] == SIZE
        assert shares(first.delivery()) == ("peers", SIZE, 0)
        assert site.direct_bytes() == SIZE
    for visitor in (first, second):
        assert_ran_once(visitor)


def test_the_end_of_the_one_that_streams_costs_the_others_no_copy_each(make_site, browsers):
    site = make_site(stream_size=1, deadline=SHORT_MS)
    site.bundles["app.js"] = bundle(SIZE)
    with site.dammed(HALF, status=200):
        visitors = []
        for count in (1, 2, 3, 4):
            visitors.append(browsers(page_load_strategy="none").visit(site.url()))
            if count == 1:
                half_way(site, 1)
        first, *others = visitors
        until(lambda: len(site.progress()) == 4 and min(site.progress().values()) >= 40, "all to have half of it")
        first.kill()
        records = [other.delivery() for other in others]
    for other in others:
        assert_ran_once(other)
    assert all(record["bytesFromPeers"] + record["bytesFromServer"] == SIZE for record in records)
    assert all(record["bytesFromPeers"] >= HALF for record in records)
    assert site.direct_bytes() <= 2 * SIZE


# Those who leave --------------------------------------------------------------------------------------

LEAVES = {
    "before the first piece": 0,
    "within the first piece": 1,
    "after a piece": 2,
    "within a later piece": 5,
    "after many pieces": 20,
    "within the last piece": 31,
}


@pytest.mark.parametrize("messages", LEAVES.values(), ids=LEAVES)
def test_a_seeder_that_leaves_costs_only_what_was_on_its_way(messages, site, browsers):
    site.bundles["app.js"] = bundle(SIZE)
    browsers(leaves_after(messages * MESSAGE_BYTES)).visit(site.url())
    site.wait_for_seeders(1)
    visitor = browsers(page_load_strategy="none").visit(site.url())
    record = visitor.delivery()
    kept = messages // 2 * PIECE_BYTES
    assert (record["bytesFromPeers"], record["bytesFromServer"], record["reason"]) == (kept, SIZE - kept, "lost")
    assert site.direct_bytes() == SIZE - kept
    assert_ran_once(visitor)


@pytest.fixture
def two_seeders(site, browsers):
    """Make a site with two seeders, an unhurried one and one with a patch; gives their names, too."""

    def make(patch):
        site.bundles["app.js"] = bundle(SIZE)
        browsers(paces(UNHURRIED_MS)).visit(site.url())
        site.wait_for_seeders(1)
        browsers(patch).visit(site.url())
        return site, *site.wait_for_seeders(2)

    return make


def given(record):
    """Tell which seeder gave how much."""
    return {upload["seeder"]: upload["bytes"] for upload in record["uploads"]}


@pytest.mark.parametrize("messages", [0, 4, 5], ids=["at once", "after a piece", "within a piece"])
def test_another_makes_good_for_one_that_leaves(messages, two_seeders, browsers):
    site, honest, lost = two_seeders(leaves_after(messages * MESSAGE_BYTES))
    visitor = browsers(page_load_strategy="none").visit(site.url())
    record = visitor.delivery()
    assert (*shares(record), record["reason"]) == ("peers", SIZE, 0, None)
    assert given(record)[lost] == messages // 2 * PIECE_BYTES
    assert {upload["seeder"]: upload["failure"] for upload in record["uploads"]} == {honest: None, lost: "lost"}
    assert_ran_once(visitor)


def test_another_makes_good_for_one_that_stalls(two_seeders, browsers):
    site, honest, stalling = two_seeders(stalls_after(5 * MESSAGE_BYTES))
    visitor = browsers(page_load_strategy="none").visit(site.url())
    record = visitor.delivery()
    assert (*shares(record), record["reason"]) == ("peers", SIZE, 0, None)
    assert given(record) == {honest: SIZE - 2 * PIECE_BYTES, stalling: 2 * PIECE_BYTES}
    assert_ran_once(visitor)


def test_a_slow_one_gets_less_to_do(two_seeders, browsers):
    site, fast, slow = two_seeders(paces(5 * UNHURRIED_MS))
    visitor = browsers(page_load_strategy="none").visit(site.url())
    record = visitor.delivery()
    assert (*shares(record), record["reason"]) == ("peers", SIZE, 0, None)
    assert 2 * given(record)[slow] < given(record)[fast]
    assert_ran_once(visitor)
