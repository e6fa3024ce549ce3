"""Peers that fail: what is wrong with a seeder, and with the network between it and a visitor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CRAWL_BYTES_PER_MS = 10

NOWHERE = """
const NOWHERE = "192.0.2.1"; // RFC 5737: nobody has it, and nobody answers
const misled = (text) => text.replace(/(candidate:\\S+ \\d+ \\S+ \\d+) \\S+/g, (_, start) => `${start} ${NOWHERE}`);
const { addIceCandidate, setRemoteDescription } = RTCPeerConnection.prototype;
RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
  return setRemoteDescription.call(this, { type, sdp: misled(sdp) });
};
RTCPeerConnection.prototype.addIceCandidate = function (given) {
  return addIceCandidate.call(this, given && { ...given, candidate: misled(given.candidate) });
};
"""
"""A browser whose packets never reach the other: introductions work, and the path never opens."""


_ON_DATA = """
const native = RTCDataChannel.prototype.send;
const DATA_FRAMES = [3, 7]; // wire.js
let sent = 0;
RTCDataChannel.prototype.send = function (data) {{
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const send = () => {{ if (this.readyState === "open") native.call(this, bytes); }};
  if (!DATA_FRAMES.includes(bytes[0])) return send();
  sent += bytes.length;
  {}
}};
"""
CRAWLER = _ON_DATA.format(f"setTimeout(send, sent / {CRAWL_BYTES_PER_MS});")
"""A seeder whose data come as over a line of 10 KB/s."""
FORGER = _ON_DATA.format("bytes[bytes.length - 1] ^= 1; send();")
"""A seeder whose every message has one wrong bit."""


@dataclass(frozen=True)
class Failure:
    """What is wrong with the seeders, and with the visitor's own network."""

    seeder: Sequence[str] = ()
    visitor: Sequence[str] = ()
    frozen: bool = False


FAILURES: Mapping[str, Failure] = {
    "none": Failure(),
    "dead": Failure(frozen=True),
    "unreachable": Failure([NOWHERE], [NOWHERE]),
    "crawling": Failure([CRAWLER]),
    "lying": Failure([FORGER]),
}
