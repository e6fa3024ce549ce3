import assert from "node:assert/strict";
import test from "node:test";
import { connectPeer } from "../../viraljs/client/peer.js";
import {
  CANCEL,
  decode,
  encode,
  encodeData,
  GONE,
  HELLO,
  REFUSE,
  REQUEST,
  VERSION,
} from "../../viraljs/client/wire.js";
import { asMessage, fakeClock, fakeConnections, flush } from "./support.js";

const ICE = [{ urls: "stun:stun.example" }];

/** Make an offer to the seeder "s"; what comes of it is collected. */
function connect(t) {
  const clock = fakeClock(t);
  const connections = fakeConnections(t);
  const heard = { opened: 0, data: [], ends: [] };
  const peer = connectPeer("s", ICE, [[0, 4]], {
    open: () => heard.opened++,
    data: (piece, offset, bytes) => heard.data.push([piece, offset, ...bytes]),
    end: (reason) => heard.ends.push(reason),
  });
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
  const { channel, heard, peer } = connect(t);
  assert.deepEqual([peer.waiting(), peer.isOpen(), heard.opened], [true, false, 0]);
  channel.open();
  assert.deepEqual([peer.waiting(), peer.isOpen(), heard.opened], [false, true, 1]);
});

test("requests and cancellations go over the open channel", (t) => {
  const { channel, peer } = connect(t);
  channel.open();
  peer.request([
    [0, 2],
    [5, 1],
  ]);
  peer.cancel([[1, 1]]);
  assert.deepEqual(
    channel.sent.map(decode).map(({ type, words }) => [type, ...words]),
    [
      [REQUEST, 0, 2, 5, 1],
      [CANCEL, 1, 1],
    ],
  );
});

test("before the channel is open and after its end nothing is said, and nothing thrown", (t) => {
  const { channel, peer } = connect(t);
  peer.cancel([[1, 1]]);
  channel.open();
  peer.end("done");
  peer.request([[1, 1]]);
  assert.equal(channel.sent.length, 0);
});

test("data is handed on, and hello is taken", (t) => {
  const { channel, heard } = connect(t);
  channel.open();
  assert.equal(channel.binaryType, "arraybuffer");
  channel.receive(asMessage(encode(HELLO, VERSION)));
  channel.receive(asMessage(encodeData(3, 65536, Uint8Array.of(7, 8))));
  assert.deepEqual(heard.data, [[3, 65536, 7, 8]]);
  assert.deepEqual(heard.ends, []);
});

test("a refusal, another version and what is not of the protocol end it", (t) => {
  const strangers = [
    asMessage(encode(REFUSE, GONE)),
    asMessage(encode(HELLO, VERSION + 1)),
    asMessage(encode(REQUEST, 0, 1)),
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

test("its end is told once, whatever else happens, and closes the connection", (t) => {
  const { channel, connection, heard, peer } = connect(t);
  peer.end("corrupt");
  peer.end("done");
  channel.onclose();
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
  peer.hear({ type: "answer", exchange: "r.s", sdp: "v=0 answer" });
  assert.deepEqual(connection.remote, { type: "answer", sdp: "v=0 answer" });
  peer.hear({ type: "candidates", exchange: "r.s", candidates: ["candidate:9"] });
  assert.deepEqual(connection.added, [{ candidate: "candidate:9", sdpMid: "0" }]);
});

test("an answer that the browser refuses ends it", async (t) => {
  const { connection, heard, peer } = connect(t);
  connection.taking = Promise.reject(new Error("not SDP"));
  peer.hear({ type: "answer", exchange: "r.s", sdp: "nonsense" });
  await flush();
  assert.deepEqual(heard.ends, ["answer"]);
});

test("a refusal by way of the server ends it with the seeder's reason, a lost seeder as gone", (t) => {
  const refused = connect(t);
  refused.peer.hear({ type: "refuse", exchange: "r.s", reason: "busy" });
  assert.deepEqual(refused.heard.ends, ["busy"]);
  const gone = connect(t);
  gone.peer.hear({ type: "gone", exchange: "r.s" });
  assert.deepEqual(gone.heard.ends, ["gone"]);
});

test("what is heard after the end changes nothing", (t) => {
  const { connection, heard, peer } = connect(t);
  peer.end("done");
  peer.hear({ type: "answer", exchange: "r.s", sdp: "v=0" });
  peer.hear({ type: "candidates", exchange: "r.s", candidates: ["candidate:9"] });
  peer.hear({ type: "gone", exchange: "r.s" });
  assert.equal(connection.remote, null);
  assert.deepEqual(connection.added, []);
  assert.deepEqual(heard.ends, ["done"]);
});
