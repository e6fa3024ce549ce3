"""Peers that want to do harm: what they send costs a delivery no more than their own part in it."""

import pytest

from tests.browser.patches import (
    BOMB,
    COUNTED_INFLATION,
    COUNTED_RECEIPTS,
    FLOODING_SEEDER,
    FORGER,
    GARBLING_RECIPIENT,
    GREEDY_RECIPIENT,
    UNHURRIED_MS,
    paces,
    says,
)
from tests.support.site import bundle
from tests.support.until import until

PIECE_BYTES = 131_072
SIZE = 16 * PIECE_BYTES
SHORT_MS = 500

ATTACKS = {
    "an unknown frame": ("raw(Uint32Array.of(99, 0, 0, 0));", "refused"),
    "a frame of the next version": ("raw(Uint32Array.of(1, 3));", "refused"),
    "half a word": ("raw(new Uint8Array(3));", "refused"),
    "text": ("raw('let me in');", "refused"),
    "data without an end of its header": ("raw(Uint32Array.of(3, piece));", "refused"),
    "no such piece": ("raw(frame([3, 1 << 30, 0], data.subarray(12)));", "protocol"),
    "a wrong offset": ("raw(frame([3, piece, 8], data.subarray(12)));", "protocol"),
    "more than a piece": ("raw(frame([3, piece, 0], new Uint8Array(200_000)));", "protocol"),
    "a huge total": ("raw(frame([7, piece, 0, 0xffffffff], data.subarray(12)));", "protocol"),
    "more than its total": ("raw(frame([7, piece, 0, 8], data.subarray(12)));", "protocol"),
    "what does not inflate": ("raw(frame([7, piece, 0, 65536], data.subarray(12, 12 + 65536)));", "corrupt"),
    "zeros": ("for (const at of [0, 65536]) raw(frame([3, piece, at], new Uint8Array(65536)));", "corrupt"),
}


def assert_ran_once(browser):
    assert browser.js("[runs, answer, visits, errors]") == [1, 42, 1, []]


@pytest.fixture
def attacked(site, browsers):
    """Have a bundle attacked by a patched seeder, alone or with an honest one, and give the visitor and its record."""

    def deliver(patch, *visitors_patches, honest=False):
        site.bundles["app.js"] = bundle(SIZE)
        if honest:
            browsers(paces(UNHURRIED_MS)).visit(site.url())
            site.wait_for_seeders(1)
        browsers(patch).visit(site.url())
        site.wait_for_seeders(1 + honest)
        visitor = browsers(*visitors_patches).visit(site.url())
        return visitor, visitor.delivery()

    return deliver


# Seeders ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("action", "failure"), ATTACKS.values(), ids=ATTACKS)
def test_an_attack_of_the_only_seeder_ends_it_and_the_server_gives_the_rest(action, failure, site, attacked):
    visitor, record = attacked(says(action))
    assert_ran_once(visitor)
    assert (record["source"], record["reason"], record["bytesFromServer"]) == ("server", failure, SIZE)
    [report] = site.wait_for_reports()
    assert [upload.failure for upload in report.uploads] == [failure]


@pytest.mark.parametrize("name", ["an unknown frame", "a huge total", "what does not inflate"])
def test_an_attack_beside_an_honest_seeder_costs_the_server_nothing(name, site, attacked):
    action, failure = ATTACKS[name]
    visitor, record = attacked(says(action), honest=True)
    assert_ran_once(visitor)
    assert (record["source"], record["reason"], record["bytesFromPeers"]) == ("peers", None, SIZE)
    assert sorted(upload["failure"] or "" for upload in record["uploads"]) == ["", failure]
    assert site.direct_bytes() == 0


def test_a_piece_that_would_inflate_past_its_length_is_not_inflated_further(attacked):
    visitor, record = attacked(BOMB, COUNTED_INFLATION)
    assert_ran_once(visitor)
    assert (record["source"], record["reason"]) == ("server", "corrupt")
    assert 0 < visitor.js("inflated") < SIZE


def test_a_flood_does_not_keep_the_server_out(make_site, browsers):
    site = make_site(deadline=SHORT_MS)
    site.bundles["app.js"] = bundle(SIZE)
    browsers(FLOODING_SEEDER).visit(site.url())
    site.wait_for_seeders(1)
    visitor = browsers(COUNTED_RECEIPTS).visit(site.url())
    record = visitor.delivery()
    assert_ran_once(visitor)
    assert (record["source"], record["reason"], record["bytesFromServer"]) == ("server", "deadline", SIZE)
    assert visitor.js("received") > 0


def test_a_flood_of_pieces_that_nobody_asked_for_is_checked_like_others(site, attacked):
    # All of them, backwards, whatever was asked.
    action = """
    fetch("/b/app.js", { cache: "only-if-cached", mode: "same-origin" }).then(async (response) => {
      const bytes = new Uint8Array(await response.arrayBuffer());
      for (let one = 15; one >= 0; one--) {
        for (const offset of [0, 65536]) {
          const at = one * 131072 + offset;
          raw(frame([3, one, offset], bytes.subarray(at, at + 65536)));
        }
      }
    });
    """
    visitor, record = attacked(says(action))
    assert_ran_once(visitor)
    assert (record["source"], record["reason"], record["bytesFromPeers"]) == ("peers", None, SIZE)


def test_a_recipient_is_not_taken_in_by_a_stranger_in_a_crowd(make_site, browsers):
    site = make_site(stream_size=1, deadline=SHORT_MS)
    site.bundles["app.js"] = bundle(SIZE)
    with site.dammed(SIZE // 2):
        forger = browsers(FORGER, page_load_strategy="none").visit(site.url())
        until(lambda: max(site.progress().values(), default=0) >= 40, "the first to have half of it")
        visitor = browsers(page_load_strategy="none").visit(site.url())
        until(lambda: site.sent("/b/app.js", "viraljs=direct"), "the visitor to turn to the server")
    record = visitor.delivery()
    assert_ran_once(visitor)
    assert (record["source"], record["bytesFromServer"], record["uploads"][0]["failure"]) == ("server", SIZE, "corrupt")
    forger.delivery()
    assert_ran_once(forger)


# Recipients -------------------------------------------------------------------------------------------


def test_a_recipient_that_talks_nonsense_loses_its_connection_and_nobody_else(make_site, browsers):
    site = make_site(upload_slots=1)
    site.bundles["app.js"] = bundle(SIZE)
    seeder = browsers().visit(site.url())
    site.wait_for_seeders(1)
    garbling = browsers(GARBLING_RECIPIENT).visit(site.url())
    record = garbling.delivery()
    assert (record["reason"], record["bytesFromPeers"] + record["bytesFromServer"]) == ("lost", SIZE)
    garbling.quit()
    site.wait_for_seeders(1)
    until(lambda: not any(site.uploads().values()), "its slot to be free")
    assert browsers().visit(site.url()).delivery()["source"] == "peers"
    assert_ran_once(seeder)


def test_a_recipient_that_asks_without_end_is_let_go_when_it_has_had_two_copies(make_site, browsers):
    site = make_site(upload_slots=1)
    site.bundles["app.js"] = bundle(SIZE)
    seeder = browsers().visit(site.url())
    [name] = site.wait_for_seeders(1)
    greedy = browsers(COUNTED_RECEIPTS, GREEDY_RECIPIENT).visit(site.url())
    greedy.delivery()
    site.wait_for_seeders(2)
    greedy.js("ViralJS.pause()")
    site.wait_for_seeders(1)
    until(lambda: not any(site.uploads().values()), "its slot to be free")
    # Packed pieces are smaller.
    assert 0 < greedy.js("received") < 2.5 * SIZE
    visitor = browsers().visit(site.url())
    record = visitor.delivery()
    assert (record["source"], record["uploads"][0]["seeder"]) == ("peers", name)
    assert_ran_once(visitor)
    assert_ran_once(seeder)
