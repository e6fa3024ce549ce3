import assert from "node:assert/strict";
import test from "node:test";
import { connectPeer, listen } from "../../viraljs/client/peer.js";
import {
  CANCEL,
  DATA,
  encode,
  encodeData,
  GONE,
  HAVE,
  HELLO,
  PACKED,
  REFUSE,
  REQUEST,
  VERSION,
} from "../../viraljs/client/wire.js";
import { asMessage, FakeChannel, fakeClock, fakeConnections, flush, patch, wordsOf } from "./support.js";

const ICE = [{ urls: "stun:stun.example" }];

/** Takes what a link tells. */
function listener() {
  const heard = { have: [], data: [], ends: [], trips: [] };
  const events = {
    have: (words) => heard.have.push(words),
    data: (words, bytes) => heard.data.push([words, [...bytes]]),
    end: (reason) => heard.ends.push(reason),
    trip: (milliseconds) => heard.trips.push(milliseconds),
  };
  return { heard, events };
}

/** Make an offer to the seeder "s"; what comes of it is collected. */
function connect(t, { inflates = true } = {}) {
  const clock = fakeClock(t);
  const connections = fakeConnections(t);
  patch(t, { window: { DecompressionStream: inflates ? DecompressionStream : undefined } });
  const { heard, events } = listener();
  const peer = connectPeer("s", ICE, [[0, 4]], events);
  const [connection] = connections;
  return { clock, connection, channel: connection.channel, heard, peer };
}

test("the offer carries the seeder, the description and what it should send at once", async (t) => {
  const { connection, peer } = connect(t);
  assert.deepEqual(connection.configuration, { iceServers: ICE });
  connection.find("candidate:1");
  assert.deepEqual(await peer.offer, { seeder: "s", sdp: "v=0\ncandidate:1", ranges: [[0, 4]] });
});

test("candidates found after the offer wait to be fetched", async (t) => {
  const { connection, peer } = connect(t);
  connection.find("candidate:1");
  await peer.offer;
  connection.find("candidate:2");
  assert.deepEqual(peer.late, ["candidate:2"]);
});

test("it waits until its channel opens", (t) => {
  const { channel, peer } = connect(t);
  assert.deepEqual([peer.waiting(), peer.isOpen()], [true, false]);
  channel.open();
  assert.deepEqual([peer.waiting(), peer.isOpen()], [false, true]);
});

test("the time from the knock to the first message is the round trip, told once", async (t) => {
  const { clock, channel, heard } = connect(t);
  channel.open();
  await clock.advance(42);
  channel.receive(asMessage(encode(HELLO, VERSION)));
  await clock.advance(5);
  channel.receive(asMessage(encode(HAVE, 0, 1)));
  assert.deepEqual(heard.trips, [42]);
});

test("whether it was waited for in vain on the way, or because nobody answered, can be told", async (t) => {
  const { peer } = connect(t);
  assert.equal(peer.verdict(), "unanswered");
  peer.hear([{ type: "answer", exchange: "r.s", sdp: "v=0" }]);
  assert.equal(peer.verdict(), "unreachable");
});

test("requests and cancellations go over the open channel", (t) => {
  const { channel, peer } = connect(t);
  channel.open();
  peer.request([
    [0, 2],
    [5, 1],
  ]);
  peer.cancel([[1, 1]]);
  assert.deepEqual(wordsOf(channel.sent), [[HAVE], [REQUEST, 0, 2, 5, 1], [CANCEL, 1, 1]]);
});

test("it knocks when the channel opens: what the seeder said before may be lost", (t) => {
  const { channel } = connect(t);
  assert.deepEqual(channel.sent, []);
  channel.open();
  assert.deepEqual(wordsOf(channel.sent), [[HAVE]]);
});

test("before the channel is open and after its end nothing is said, and nothing thrown", (t) => {
  const { channel, peer } = connect(t);
  peer.cancel([[1, 1]]);
  channel.open();
  peer.end("done");
  peer.request([[1, 1]]);
  assert.deepEqual(wordsOf(channel.sent), [[HAVE]]);
});

test("the channel says by its protocol whether this browser understands gzip", (t) => {
  assert.equal(connect(t).channel.protocol, "gzip");
  assert.equal(connect(t, { inflates: false }).channel.protocol, "");
});

test("what it has and what it sends is handed on, packed data with its total, and hello is taken", (t) => {
  const { channel, heard } = connect(t);
  channel.open();
  assert.equal(channel.binaryType, "arraybuffer");
  channel.receive(asMessage(encode(HELLO, VERSION)));
  channel.receive(asMessage(encode(HAVE)));
  channel.receive(asMessage(encode(HAVE, 0, 2, 5, 1)));
  channel.receive(asMessage(encodeData([DATA, 3, 65536], Uint8Array.of(7, 8))));
  channel.receive(asMessage(encodeData([PACKED, 4, 0, 9], Uint8Array.of(6))));
  assert.deepEqual(heard.have, [[], [0, 2, 5, 1]]);
  assert.deepEqual(heard.data, [
    [
      [3, 65536],
      [7, 8],
    ],
    [[4, 0, 9], [6]],
  ]);
  assert.deepEqual(heard.ends, []);
});

test("what the other side asks on the channel is not for this end", (t) => {
  const { channel, heard } = connect(t);
  channel.open();
  for (const type of [REQUEST, CANCEL]) channel.receive(asMessage(encode(type, 0, 1)));
  assert.deepEqual([heard.have, heard.data, heard.ends], [[], [], []]);
  assert.equal(channel.readyState, "open");
});

test("a refusal, another version and what is not of the protocol end it", (t) => {
  const strangers = [
    asMessage(encode(REFUSE, GONE)),
    asMessage(encode(HELLO, VERSION + 1)),
    asMessage(encode(HELLO, VERSION - 1)),
    asMessage(encode(99, 0, 1)),
    new ArrayBuffer(3),
    "text",
  ];
  for (const stranger of strangers) {
    const { channel, connection, heard } = connect(t);
    channel.open();
    channel.receive(stranger);
    assert.deepEqual(heard.ends, ["refused"]);
    assert.equal(connection.closed, true);
  }
});

test("a channel that another browser has opened is listened to as one's own, and its end closes what it came in", () => {
  const channel = new FakeChannel();
  const { heard, events } = listener();
  let closed = 0;
  const link = listen("r", channel, events, () => closed++);
  assert.equal(link.seeder, "r");
  assert.equal(link.isOpen(), false);
  channel.open();
  assert.equal(link.isOpen(), true);
  channel.receive(asMessage(encode(HAVE, 1, 1)));
  link.request([[1, 1]]);
  assert.deepEqual(heard.have, [[1, 1]]);
  assert.deepEqual(wordsOf(channel.sent), [[REQUEST, 1, 1]]);
  assert.equal(link.isOver(), false);
  channel.close();
  link.end("done");
  assert.equal(link.isOver(), true);
  assert.deepEqual([heard.ends, closed], [["lost"], 1]);
});

test("its end is told once, whatever else happens, and closes the connection", (t) => {
  const { channel, connection, heard, peer } = connect(t);
  peer.end("corrupt");
  peer.end("done");
  channel.dispatchEvent(new Event("close"));
  connection.become("failed");
  assert.deepEqual(heard.ends, ["corrupt"]);
  assert.equal(connection.closed, true);
  assert.equal(peer.waiting(), false);
});

test("a channel that the seeder closes is lost", (t) => {
  const { channel, heard } = connect(t);
  channel.open();
  channel.close();
  assert.deepEqual(heard.ends, ["lost"]);
});

test("a connection that fails is unreachable; one that is only interrupted may come back", (t) => {
  const { connection, heard } = connect(t);
  for (const state of ["connecting", "connected", "disconnected"]) connection.become(state);
  assert.deepEqual(heard.ends, []);
  connection.become("failed");
  assert.deepEqual(heard.ends, ["unreachable"]);
});

test("an answer is applied, candidates are added", (t) => {
  const { connection, peer } = connect(t);
  peer.hear([{ type: "answer", exchange: "r.s", sdp: "v=0 answer" }]);
  assert.deepEqual(connection.remote, { type: "answer", sdp: "v=0 answer" });
  peer.hear([{ type: "candidates", exchange: "r.s", candidates: ["candidate:9"] }]);
  assert.deepEqual(connection.added, [{ candidate: "candidate:9", sdpMid: "0" }]);
});

test("candidates that come with the answer are taken in one go with it, whichever is told first", (t) => {
  const answer = { type: "answer", exchange: "r.s", sdp: "v=0\r\n" };
  const candidates = { type: "candidates", exchange: "r.s", candidates: ["candidate:8", "candidate:9"] };
  for (const signals of [
    [answer, candidates],
    [candidates, answer],
  ]) {
    const { connection, peer } = connect(t);
    peer.hear(signals);
    assert.equal(connection.remote.sdp, "v=0\r\na=candidate:8\r\na=candidate:9\r\n");
    assert.deepEqual(connection.added, []);
  }
});

test("candidates that come when there is a path are left alone", (t) => {
  const { channel, connection, peer } = connect(t);
  channel.open();
  peer.hear([{ type: "candidates", exchange: "r.s", candidates: ["candidate:9"] }]);
  assert.deepEqual(connection.added, []);
});

test("an answer that the browser refuses ends it", async (t) => {
  const { connection, heard, peer } = connect(t);
  connection.taking = Promise.reject(new Error("not SDP"));
  peer.hear([{ type: "answer", exchange: "r.s", sdp: "nonsense" }]);
  await flush();
  assert.deepEqual(heard.ends, ["answer"]);
});

test("a refusal by way of the server ends it with the seeder's reason, a lost seeder as gone", (t) => {
  const refused = connect(t);
  refused.peer.hear([{ type: "refuse", exchange: "r.s", reason: "busy" }]);
  assert.deepEqual(refused.heard.ends, ["busy"]);
  const gone = connect(t);
  gone.peer.hear([{ type: "gone", exchange: "r.s" }]);
  assert.deepEqual(gone.heard.ends, ["gone"]);
});

test("what is heard after the end changes nothing", (t) => {
  const { connection, heard, peer } = connect(t);
  peer.end("done");
  peer.hear([{ type: "answer", exchange: "r.s", sdp: "v=0" }]);
  peer.hear([{ type: "candidates", exchange: "r.s", candidates: ["candidate:9"] }]);
  peer.hear([{ type: "gone", exchange: "r.s" }]);
  assert.equal(connection.remote, null);
  assert.deepEqual(connection.added, []);
  assert.deepEqual(heard.ends, ["done"]);
});
