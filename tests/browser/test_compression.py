"""Text travels compressed between browsers, and what is verified and counted are the plain bytes."""

import pytest

from tests.browser.patches import COUNTED_RECEIPTS
from tests.support.site import bundle, plotly_path

SIZE = 1_000_000
OVERHEAD = 1.02
"""Headers of frames, and what is said beside data."""
NO_INFLATION = "delete window.DecompressionStream;"
NO_DEFLATION = "delete window.CompressionStream;"


@pytest.fixture
def received(site, browsers):
    """Have the site's bundle delivered between two browsers; gives what share of its bytes crossed the channel."""

    def deliver(seeder=(), recipient=(), page=""):
        browsers(*seeder).visit(site.url(page))
        site.wait_for_seeders(1)
        visitor = browsers(COUNTED_RECEIPTS, *recipient).visit(site.url(page))
        record = visitor.delivery()
        assert (record["source"], record["reason"], record["bytesFromServer"]) == ("peers", None, 0)
        assert visitor.js("errors") == []
        return visitor.js("received") / record["bytesFromPeers"], record

    return deliver


def test_text_crosses_the_channel_in_fewer_bytes_than_it_has(site, received):
    site.bundles["app.js"] = bundle(SIZE)
    share, record = received()
    assert 0.4 < share < 0.7
    assert record["bytesFromPeers"] == sum(upload["bytes"] for upload in record["uploads"]) == SIZE
    [report] = site.wait_for_reports()
    assert report.bytes_from_peers == SIZE


def test_plotly_crosses_the_channel_in_less_than_half_its_bytes(site, received):
    site.show("", "{{ viral_script('/plotly.js') }}")
    share, record = received()
    assert share < 0.5
    assert record["bytesFromPeers"] == plotly_path().stat().st_size


def test_what_does_not_shrink_crosses_as_it_is(site, received):
    site.bundles["app.js"] = bundle(SIZE, dense=True)
    share, _ = received()
    assert 1 <= share < OVERHEAD


def test_what_shrinks_in_part_is_packed_in_part(site, received):
    text, dense = bundle(SIZE // 2), bundle(SIZE // 2, dense=True)
    site.bundles["app.js"] = text + dense
    # From the beginning: behind a dense piece some text goes as it is.
    share, record = received(recipient=["Math.random = () => 0;"])
    assert 0.7 < share < 0.85
    assert record["bytesFromPeers"] == len(text + dense)


@pytest.mark.parametrize(
    ("seeder", "recipient"),
    [((), (NO_INFLATION,)), ((NO_DEFLATION,), ())],
    ids=["a recipient that can't inflate", "a seeder that can't compress"],
)
def test_without_compression_a_bundle_goes_plain(seeder, recipient, site, received):
    site.bundles["app.js"] = bundle(SIZE)
    share, _ = received(seeder, recipient)
    assert 1 <= share < OVERHEAD


def test_one_that_can_not_inflate_passes_packed_pieces_on_to_one_that_can(site, browsers):
    site.bundles["app.js"] = bundle(SIZE)
    first = browsers().visit(site.url())
    site.wait_for_seeders(1)
    browsers(NO_INFLATION).visit(site.url())
    site.wait_for_seeders(2)
    first.quit()
    site.wait_for_seeders(1)
    last = browsers(COUNTED_RECEIPTS).visit(site.url())
    assert last.delivery()["bytesFromPeers"] == SIZE
    assert last.js("received") < 0.7 * SIZE
    assert last.js("[runs, answer, errors]") == [1, 42, []]
