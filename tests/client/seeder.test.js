import assert from "node:assert/strict";
import test from "node:test";
import { createSeeder } from "../../viraljs/client/seeder.js";
import { DATA, decode, HELLO } from "../../viraljs/client/wire.js";
import {
  blobOf,
  FakeChannel,
  fakeClock,
  fakeConnections,
  fakePage,
  fakeSockets,
  flush,
  makeBundle,
} from "./support.js";

const BASE = "https://a.example/viraljs/";
const IDLE_MS = 30_000;
const ICE = [{ urls: "stun:stun.example" }];
const [ONE, OTHER] = ["1".repeat(64), "2".repeat(64)];

/** A seeder whose clock, server and peer connections the test holds. */
function begin(t, { seeds = [ONE], slots = 2, ticket, welcome = true, allowed = true, ...browser } = {}) {
  const clock = fakeClock(t);
  const connections = fakeConnections(t);
  const sockets = fakeSockets(t);
  const { events, window } = fakePage(t, browser);
  const bundle = makeBundle();
  const WELCOME = { type: "welcome", peer: "p", heartbeat: 30, slots };
  const seedOf = (digest) => ({
    island: { ...bundle, digest, ice: ICE, proof: `proof of ${digest[0]}` },
    blob: blobOf(bundle.bytes),
    record: { digest },
  });
  const seeder = createSeeder(BASE, { ticket });
  for (const digest of seeds) seeder.add(seedOf(digest));
  if (allowed) seeder.allow(true);
  const [socket] = sockets;
  const greet = (line = sockets.at(-1)) => {
    line.accept();
    line.tell(WELCOME);
  };
  if (welcome && socket) {
    greet();
    socket.sent.length = 0;
  }
  return {
    /** Digests whose seeding the page was told of. */
    announced: () => events.map(([name, { digest }]) => (name === "seeding" ? digest : name)),
    bundle,
    clock,
    connections,
    greet,
    seeder,
    seedOf,
    socket,
    sockets,
    window,
    /** Let a recipient ask; gives the connection that was made for it, if there was one. */
    async offer(exchange, digest = ONE, ranges = [[0, 1]]) {
      const before = connections.length;
      socket.tell({ type: "offer", exchange, digest, sdp: `v=0 of ${exchange}`, ranges });
      const connection = connections[before];
      await flush();
      connection?.find("candidate:1");
      await flush();
      return connection;
    },
    /** Let the recipient's channel come up. */
    connect(connection) {
      const channel = new FakeChannel();
      connection.channel = channel;
      connection.ondatachannel({ channel });
      channel.open();
      return channel;
    },
  };
}

test("its line goes to the socket of its server, under the name that a ticket gave it", (t) => {
  assert.equal(begin(t).socket.url, "wss://a.example/viraljs/socket?ticket=");
  assert.equal(begin(t, { ticket: "d~me~a.1.s" }).socket.url, "wss://a.example/viraljs/socket?ticket=d~me~a.1.s");
});

test("it opens no line before it is allowed to", (t) => {
  const { seeder, sockets } = begin(t, { allowed: false });
  assert.equal(sockets.length, 0);
  seeder.allow(true);
  assert.equal(sockets.length, 1);
});

test("all that it has is announced when it is welcome, with the proofs", (t) => {
  const { announced, greet, socket } = begin(t, { seeds: [ONE, OTHER], welcome: false });
  assert.deepEqual(socket.sent, []);
  greet();
  assert.deepEqual(socket.sent, [
    { type: "announce", digest: ONE, proof: "proof of 1" },
    { type: "announce", digest: OTHER, proof: "proof of 2" },
  ]);
  assert.deepEqual(announced(), [ONE, OTHER]);
});

test("a recipient's ticket is proof enough", (t) => {
  const { seeder, seedOf, socket } = begin(t);
  const seed = seedOf(OTHER);
  seeder.add({ ...seed, island: { ...seed.island, proof: undefined, ticket: "the ticket" } });
  assert.deepEqual(socket.sent, [{ type: "announce", digest: OTHER, proof: "the ticket" }]);
});

test("what is added later is announced at once, and alone", (t) => {
  const { announced, seeder, seedOf, socket } = begin(t);
  seeder.add(seedOf(OTHER));
  assert.deepEqual(
    socket.sent.map(({ digest }) => digest),
    [OTHER],
  );
  assert.deepEqual(announced(), [ONE, OTHER]);
});

test("the page is told of seeding only when the server was", (t) => {
  const { announced, greet, seeder, seedOf } = begin(t, { welcome: false });
  seeder.add(seedOf(OTHER));
  assert.deepEqual(announced(), [], "the line is not up");
  greet();
  assert.deepEqual(announced(), [ONE, OTHER]);
});

test("after a lost line all is announced again", async (t) => {
  const { clock, greet, socket, sockets } = begin(t);
  socket.lose();
  await clock.advance(2000);
  greet();
  assert.deepEqual(
    sockets[1].sent.map(({ type, digest }) => [type, digest]),
    [["announce", ONE]],
  );
});

test("of what an old line began, a new one hears nothing: the server has forgotten it", async (t) => {
  const { clock, connect, greet, offer, socket, sockets } = begin(t);
  const channel = connect(await offer("r.s"));
  socket.lose();
  await clock.advance(2000);
  greet();
  channel.close();
  assert.deepEqual(
    sockets[1].sent.map(({ type }) => type),
    ["announce"],
  );
});

test("an offer is answered with a description of the connection that was made for it", async (t) => {
  const { offer, socket } = begin(t);
  const connection = await offer("r.s");
  assert.deepEqual(connection.configuration, { iceServers: ICE });
  assert.deepEqual(connection.remote, { type: "offer", sdp: "v=0 of r.s" });
  assert.deepEqual(socket.sent, [{ type: "answer", exchange: "r.s", sdp: "v=0\ncandidate:1" }]);
});

test("the asked pieces are sent as soon as the recipient's channel is open", async (t) => {
  const { bundle, connect, offer } = begin(t);
  const connection = await offer("r.s", ONE, [[3, 1]]);
  const channel = connect(connection);
  await flush();
  const [hello, data] = channel.sent.map(decode);
  assert.equal(hello.type, HELLO);
  assert.deepEqual([data.type, ...data.words], [DATA, 3, 0]);
  assert.deepEqual(Buffer.from(data.bytes), Buffer.from(bundle.pieceOf(3)));
});

test("candidates go both ways, each to its own exchange", async (t) => {
  const { offer, socket } = begin(t);
  const [one, other] = [await offer("r1.s"), await offer("r2.s")];
  socket.sent.length = 0;
  one.find("candidate:2");
  socket.tell({ type: "candidates", exchange: "r2.s", candidates: ["candidate:7"] });
  socket.tell({ type: "candidates", exchange: "nobody.s", candidates: ["candidate:8"] });
  assert.deepEqual(socket.sent, [{ type: "candidates", exchange: "r1.s", candidates: ["candidate:2"] }]);
  assert.deepEqual(one.added, []);
  assert.deepEqual(other.added, [{ candidate: "candidate:7", sdpMid: "0" }]);
});

test("an offer beyond the slots is refused as busy, and makes no connection", async (t) => {
  const { connections, offer, socket } = begin(t, { slots: 1 });
  await offer("r1.s");
  await offer("r2.s");
  assert.deepEqual(socket.sent.at(-1), { type: "refuse", exchange: "r2.s", reason: "busy" });
  assert.equal(connections.length, 1);
});

test("an offer for what it does not have is refused as gone", async (t) => {
  const { connections, offer, socket } = begin(t);
  await offer("r.s", OTHER);
  assert.deepEqual(socket.sent, [{ type: "refuse", exchange: "r.s", reason: "gone" }]);
  assert.equal(connections.length, 0);
});

test("a delivery's end is told once, closes the connection and frees its slot", async (t) => {
  const { connect, offer, socket } = begin(t, { slots: 1 });
  const connection = await offer("r1.s");
  const channel = connect(connection);
  socket.sent.length = 0;
  channel.close();
  connection.become("failed");
  assert.deepEqual(socket.sent, [{ type: "done", exchange: "r1.s" }]);
  assert.equal(connection.closed, true);
  await offer("r2.s");
  assert.equal(socket.sent.at(-1).type, "answer");
});

test("a connection that fails is done", async (t) => {
  const { offer, socket } = begin(t);
  const connection = await offer("r.s");
  connection.become("disconnected");
  assert.equal(connection.closed, false);
  connection.become("failed");
  assert.deepEqual(socket.sent.at(-1), { type: "done", exchange: "r.s" });
  assert.equal(connection.closed, true);
});

test("an introduction that leads to no channel gives its slot back in time", async (t) => {
  const { clock, offer, socket } = begin(t);
  const connection = await offer("r.s");
  await clock.advance(IDLE_MS - 1);
  assert.equal(connection.closed, false);
  await clock.advance(1);
  assert.equal(connection.closed, true);
  assert.deepEqual(socket.sent.at(-1), { type: "done", exchange: "r.s" });
});

test("a delivery under way is not cut off by that", async (t) => {
  const { clock, connect, offer } = begin(t);
  const connection = await offer("r.s");
  connect(connection);
  await clock.advance(IDLE_MS - 1);
  assert.equal(connection.closed, false);
});

test("an offer that the browser can't take is refused, once, and frees its slot", async (t) => {
  t.mock.method(console, "debug", () => {});
  const { connections, offer, socket } = begin(t, { slots: 1 });
  const asked = offer("r1.s");
  connections[0].taking = connections[0].describing = Promise.reject(new Error("not SDP"));
  await asked;
  assert.deepEqual(socket.sent, [{ type: "refuse", exchange: "r1.s", reason: "gone" }]);
  assert.equal(connections[0].closed, true);
  await offer("r2.s");
  assert.equal(socket.sent.at(-1).type, "answer");
});

test("what is no longer allowed ends at once and quietly: the line and every connection", async (t) => {
  const { clock, connect, connections, offer, seeder, socket, sockets } = begin(t);
  connect(await offer("r1.s"));
  await offer("r2.s");
  socket.sent.length = 0;
  seeder.allow(false);
  assert.equal(socket.readyState, 3);
  assert.ok(connections.every(({ closed }) => closed));
  await clock.advance(2 * IDLE_MS);
  assert.deepEqual(socket.sent, []);
  assert.equal(sockets.length, 1);
});

test("a page that is left keeps nothing open, so that it may go into the back/forward cache", async (t) => {
  const { connect, connections, offer, seeder, socket, sockets, window } = begin(t);
  connect(await offer("r.s"));
  window.dispatchEvent(new Event("pagehide"));
  assert.equal(socket.readyState, 3);
  assert.ok(connections.every(({ closed }) => closed));
  seeder.allow(true);
  assert.equal(sockets.length, 1, "to be allowed does not bring a page back");
});

test("a page that comes back seeds again, with all its slots", async (t) => {
  const b = begin(t, { slots: 1 });
  await b.offer("r1.s");
  b.window.dispatchEvent(new Event("pagehide"));
  b.window.dispatchEvent(new Event("pageshow"));
  b.greet();
  const socket = b.sockets[1];
  assert.equal(socket.sent[0].type, "announce");
  socket.tell({ type: "offer", exchange: "r2.s", digest: ONE, sdp: "v=0", ranges: [] });
  await flush();
  b.connections[1].find("candidate:1");
  await flush();
  assert.equal(socket.sent.at(-1).type, "answer");
});

test("a page that may not seed stays silent when it comes back", (t) => {
  const { seeder, sockets, window } = begin(t);
  seeder.allow(false);
  window.dispatchEvent(new Event("pagehide"));
  window.dispatchEvent(new Event("pageshow"));
  assert.equal(sockets.length, 1);
});

test("a visitor who saves data is no seeder", (t) => {
  assert.equal(begin(t, { saveData: true }).sockets.length, 0);
});
