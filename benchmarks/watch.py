"""When things happened in the page of a recipient: the moments of one delivery, in milliseconds since navigation."""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.chromium import Chromium, Record

WATCH = """
const { createDataChannel } = RTCPeerConnection.prototype;
RTCPeerConnection.prototype.createDataChannel = function (...given) {
  const channel = createDataChannel.apply(this, given);
  channel.addEventListener("message", () => (window.firstMessageAt ??= performance.now()), { once: true });
  return channel;
};
const { createObjectURL } = URL;
URL.createObjectURL = function (blob) {
  window.verifiedAt ??= performance.now();
  return createObjectURL.call(this, blob);
};
addEventListener("viraljs:delivered", ({ detail }) => (window.beganAt = performance.now() - detail.milliseconds));
"""
"""A patch: `firstMessageAt` of a data channel of this page; `beganAt`, when the thin client started; `verifiedAt`, when
it turned to run what it had. The record says when each seeder's last piece came, but not from which moment on."""


@dataclass
class Moments:
    """Milliseconds since navigation."""

    began: float
    """The thin client started."""
    first_message: float
    """A data channel brought its first message, the greeting."""
    verified: float
    """All pieces were there, and right."""


def moments(browser: Chromium, url: str) -> Moments:
    """Load a page that gets its bundle from peers, in a browser with the patch `WATCH`."""
    record = browser.visit(url).delivery()
    require_peers(record)
    return Moments(*browser.js("[beganAt, firstMessageAt, verifiedAt]"))


def require_peers(record: Record) -> None:
    """Raise unless a delivery came from peers alone: the figure would be the server's."""
    if record["source"] != "peers":
        raise RuntimeError(f"{record['url']} came from {record['source']}: {record['reason']}")
