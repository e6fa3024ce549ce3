"""Scripts that make a browser behave as some browsers, networks and people do. They run before a page's own."""

NO_WEBRTC = "delete window.RTCPeerConnection; delete window.webkitRTCPeerConnection;"

WATCHED_SOCKETS = """
window.sockets = [];
const Native = WebSocket;
window.WebSocket = class extends Native {
  constructor(...given) {
    super(...given);
    const seen = { runs: window.runs ?? 0, readyState: document.readyState, code: null };
    sockets.push(seen);
    this.addEventListener("close", ({ code }) => (seen.code = code));
  }
};
"""
"""`sockets`: what the page had done by the time that it opened each, and the code that each closed with."""

HASTY = "Math.random = () => 0;"
"""Retries come as soon as they may."""

MUTE = """
const { send } = WebSocket.prototype;
WebSocket.prototype.send = function (data) {
  if (!/"type":"(answer|candidates)"/.test(data)) send.call(this, data);
};
"""
"""A seeder that never answers an offer."""

NONSENSE = r"""
const { send } = WebSocket.prototype;
WebSocket.prototype.send = function (data) {
  send.call(this, data.replace(/"sdp":"v=0/, '"sdp":"v=0\\r\\nnonsense'));
};
"""
"""A seeder whose answers look like SDP to the server, and to no browser."""

COUNTED_RECEIPTS = """
window.received = 0;
const { createDataChannel } = RTCPeerConnection.prototype;
RTCPeerConnection.prototype.createDataChannel = function (...given) {
  const channel = createDataChannel.apply(this, given);
  channel.addEventListener("message", ({ data }) => (received += data.byteLength));
  return channel;
};
"""
"""`received`: the bytes that came over data channels, before they are looked at."""

_ON_DATA = """
const native = RTCDataChannel.prototype.send;
const isData = (data) => new Uint32Array(data.buffer.slice(0, 4))[0] === 3;
let sent = 0;
RTCDataChannel.prototype.send = function (data) {
  const send = (bytes) => { if (this.readyState === "open") native.call(this, bytes); };
  if (!isData(data)) return send(data);
  sent += data.byteLength;
  %s
};
"""


def on_data(action: str) -> str:
    """Do something else with each data frame of a seeder; `data`, `send` and the bytes `sent` so far are at hand."""
    return _ON_DATA % action


LIAR = on_data(
    """
    const text = String.fromCharCode(...data.subarray(0, 200));
    const at = text.indexOf("answer = 42");
    if (at >= 0) data.set([..."answer = 66"].map((letter) => letter.charCodeAt(0)), at);
    send(data);
    """
)
"""A seeder that gives out other code, which would run, in place of the bundle's first lines."""

FORGER = on_data("data[data.length - 1] ^= 1; send(data);")
"""A seeder whose every message has one wrong bit."""


def leaves_after(size: int) -> str:
    """A seeder that is gone once it has sent so many bytes."""
    return on_data(f"if (sent > {size}) this.close(); else send(data);")


def stalls_after(size: int) -> str:
    """A seeder that stays, but sends no more after so many bytes."""
    return on_data(f"if (sent <= {size}) send(data);")


def trickles(milliseconds: int) -> str:
    """A seeder that sends one message in so much time."""
    return on_data(f"setTimeout(send, sent / 65536 * {milliseconds}, data);")


UNHURRIED_MS = 60
"""Leaves others time to do their share, and costs a test with 2 MB two seconds."""

_CANDIDATES = r"""
const { get } = Object.getOwnPropertyDescriptor(RTCPeerConnection.prototype, "localDescription");
Object.defineProperty(RTCPeerConnection.prototype, "localDescription", {
  get() {
    const description = get.call(this);
    return description && { type: description.type, sdp: description.sdp.replace(/a=candidate:.*\r\n/g, "") };
  },
});
const { set } = Object.getOwnPropertyDescriptor(RTCPeerConnection.prototype, "onicecandidate");
Object.defineProperty(RTCPeerConnection.prototype, "onicecandidate", {
  set(listener) {
    let first = true;
    set.call(this, (event) => {
      if (first) listener({ candidate: null });
      first = false;
      %s
    });
  },
});
"""

LATE_CANDIDATES = _CANDIDATES % "setTimeout(listener, 150, event);"
"""Candidates that are of use are found after the offer or answer was sent."""

NO_CANDIDATES = _CANDIDATES % ""
"""No candidate is ever found. With the other's at hand it can open the path all the same (RFC 8445, 7.3.1.3)."""
