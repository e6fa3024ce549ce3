"""Scripts that make a browser behave as some browsers, networks and people do. They run before a page's own."""

import base64
import gzip

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

COUNTED_SENDINGS = """
window.sent = 0;
const { send } = RTCDataChannel.prototype;
RTCDataChannel.prototype.send = function (data) {
  sent += data.byteLength;
  send.call(this, data);
};
"""
"""`sent`: the bytes that were given to data channels."""

_ON_DATA = """
delete window.CompressionStream;
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
    """Do something else with each data frame of a seeder, which are all plain.

    `data`, `send` and the bytes `sent` so far are at hand.
    """
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


def paces(milliseconds: int) -> str:
    """A seeder that sends one message in so much time, and after a rest begins anew."""
    return f"let free = 0;{on_data(_PACED % milliseconds)}"


_PACED = """
const now = performance.now();
free = Math.max(free, now) + %d;
setTimeout(send, free - now, data);
"""


def says(action: str) -> str:
    """A seeder that says something of its own in place of its first data frame, and gives nothing after that.

    `channel`, `raw`, which sends on it what it is given, and `frame`, which makes data of words and bytes, are at hand,
    and `piece`, the number of the one that it was to send.
    """
    return f"let begun = false;{on_data(_SAYS % action)}"


_SAYS = """
if (begun) return;
begun = true;
const channel = this;
const piece = new Uint32Array(data.buffer.slice(4, 8))[0];
const raw = (given) => { if (channel.readyState === "open") native.call(channel, given); };
const frame = (words, bytes) => {
  const made = new Uint8Array(words.length * 4 + bytes.length);
  made.set(new Uint8Array(Uint32Array.from(words).buffer));
  made.set(bytes, words.length * 4);
  return made;
};
%s
"""

BOMB_BYTES = 64_000_000
_BOMB = base64.b64encode(gzip.compress(bytes(BOMB_BYTES), mtime=0)).decode()
BOMB = says(
    f"""
    const bomb = Uint8Array.from(atob("{_BOMB}"), (letter) => letter.charCodeAt(0));
    raw(frame([7, piece, 0, bomb.length], bomb));
    """
)
"""A seeder that gives a small piece which would inflate to `BOMB_BYTES`."""

COUNTED_INFLATION = """
window.inflated = 0;
const Native = DecompressionStream;
window.DecompressionStream = class extends Native {
  get readable() {
    const transform = (chunk, out) => {
      inflated += chunk.length;
      out.enqueue(chunk);
    };
    return super.readable.pipeThrough(new TransformStream({ transform }));
  }
};
"""
"""`inflated`: the bytes that compressed pieces came to."""

FLOODING_SEEDER = says(
    """
    const start = frame([3, piece, 0], new Uint8Array(65536));
    const timer = setInterval(() => {
      while (channel.readyState === "open" && channel.bufferedAmount < 1048576) raw(start);
      if (channel.readyState !== "open") clearInterval(timer);
    });
    """
)
"""A seeder that sends the beginning of a piece without end."""

_ON_OPEN = """
const { createDataChannel } = RTCPeerConnection.prototype;
RTCPeerConnection.prototype.createDataChannel = function (...given) {
  const channel = createDataChannel.apply(this, given);
  const { send } = RTCDataChannel.prototype;
  channel.addEventListener("open", () => { %s });
  return channel;
};
"""

GARBLING_RECIPIENT = _ON_OPEN % (
    "for (let at = 0; at < 1000; at++) send.call(channel, crypto.getRandomValues(new Uint8Array(1 + at)));"
)
"""A recipient that talks nonsense as soon as it can."""

_GREED = """
const everything = Uint32Array.of(2, 0, 1 << 31);
const isHave = (data) => new Uint32Array(data.buffer.slice(0, 4))[0] === 6;
channel.send = (data) => { if (!isHave(data)) send.call(channel, data); };
const timer = setInterval(() => {
  if (channel.readyState !== "open") return clearInterval(timer);
  for (let at = 0; at < 100; at++) send.call(channel, everything);
}, 20);
"""
GREEDY_RECIPIENT = f"RTCPeerConnection.prototype.close = () => 0; {_ON_OPEN % _GREED}"
"""A recipient that asks for everything, thousands of times, and does not leave or say so when it has it."""

STOPPED_TIMERS = "window.setTimeout = window.setInterval = () => 1;"
"""Timers as a test leaves them that has stopped the clock."""

NO_DIGESTS = "crypto.subtle.digest = () => new Promise(() => {});"
"""Hashes that never come."""

FULL_QUOTA = """
Cache.prototype.put = () => {
  window.refused = true;
  return Promise.reject(new DOMException("Quota exceeded.", "QuotaExceededError"));
};
"""
"""Cache Storage that takes nothing more; `refused` when it was asked to."""

NO_CACHE_STORAGE = "delete window.caches;"

REFUSED_CACHE_STORAGE = """
for (const name of ["open", "match", "keys"]) {
  CacheStorage.prototype[name] = () => Promise.reject(new DOMException("The operation is insecure.", "SecurityError"));
}
"""
"""Cache Storage as a private window of Firefox has it."""

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

PATHS = """
window.paths = [];
const Native = RTCPeerConnection;
window.RTCPeerConnection = class extends Native {
  constructor(...given) {
    super(...given);
    const path = [];
    paths.push(path);
    let transport;
    const note = () => {
      const pair = transport?.getSelectedCandidatePair();
      if (pair) path.push([pair.local.type, pair.remote.type]);
    };
    this.addEventListener("connectionstatechange", () => {
      if (this.sctp && !transport) {
        transport = this.sctp.transport.iceTransport;
        transport.addEventListener("selectedcandidatepairchange", note);
      }
      note();
    });
  }
};
"""
"""`paths`: for each connection the types of candidates, its own and the other's, of each pair that it came to use."""
