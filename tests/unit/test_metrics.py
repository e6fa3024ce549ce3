"""Counts and byte sums."""

import pytest

from viraljs import metrics as metrics_module
from viraljs import signals
from viraljs.messages import Report, Upload
from viraljs.metrics import Metrics

DIGEST, OTHER = "ab" * 32, "cd" * 32


class App:
    """A sender of signals."""


@pytest.fixture
def app():
    return App()


@pytest.fixture
def metrics(app):
    return Metrics(app)


def respond(app, kind, digest=DIGEST, size=None):
    signals.response_decided.send(app, url="/app.js", digest=digest, kind=kind, reason=None, size=size)


def report(app, *uploads, digest=DIGEST):
    told = Report("t", "mixed", 10, 20, 30, 5, uploads)
    signals.delivery_reported.send(app, report=told, recipient="r", digest=digest)


def test_at_the_start_there_is_nothing(metrics):
    assert metrics.snapshot() == {"total": {}, "bundles": {}}


def test_responses_are_counted_by_kind_with_their_bytes(app, metrics):
    respond(app, "full", size=100)
    respond(app, "thin", size=7)
    respond(app, "thin", size=8)
    respond(app, "untouched", size=None, digest=None)

    assert metrics.snapshot() == {
        "total": {
            "full_responses": 1,
            "full_bytes": 100,
            "thin_responses": 2,
            "thin_bytes": 15,
            "untouched_responses": 1,
            "untouched_bytes": 0,
        },
        "bundles": {DIGEST: {"full_responses": 1, "full_bytes": 100, "thin_responses": 2, "thin_bytes": 15}},
    }


def test_reports_are_added_up(app, metrics):
    report(app, Upload("a", 10, 5, None), Upload("b", 0, 5, "corrupt"))
    report(app, Upload("b", 0, 5, "timeout"))

    assert metrics.snapshot()["bundles"][DIGEST] == {
        "deliveries": 2,
        "delivered_bytes_from_peers": 20,
        "delivered_bytes_from_server": 40,
        "delivered_bytes_from_cache": 60,
        "failed_uploads": 2,
    }


def test_bundles_do_not_mix(app, metrics):
    report(app)
    report(app, digest=OTHER)

    assert {digest: counts["deliveries"] for digest, counts in metrics.snapshot()["bundles"].items()} == {
        DIGEST: 1,
        OTHER: 1,
    }


def test_what_other_apps_do_is_not_counted(metrics):
    respond(App(), "full", size=100)
    report(App())

    assert metrics.snapshot()["total"] == {}


def test_a_snapshot_does_not_change_afterwards(app, metrics):
    respond(app, "full", size=100)
    before = metrics.snapshot()
    respond(app, "full", size=100)

    assert before["total"]["full_responses"] == before["bundles"][DIGEST]["full_responses"] == 1


def test_bundles_beyond_very_many_count_in_the_total_only(app, metrics, monkeypatch):
    monkeypatch.setattr(metrics_module, "MOST_BUNDLES", 1)
    respond(app, "full", size=1)
    respond(app, "full", size=1, digest=OTHER)
    respond(app, "full", size=1)

    snapshot = metrics.snapshot()
    assert snapshot["total"]["full_responses"] == 3
    assert {digest: counts["full_responses"] for digest, counts in snapshot["bundles"].items()} == {DIGEST: 2}
