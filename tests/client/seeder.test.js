import assert from "node:assert/strict";
import test from "node:test";
import { createSeeder } from "../../viraljs/client/seeder.js";
import { DATA, decode, encode, encodeData, HAVE, HELLO, REQUEST, VERSION } from "../../viraljs/client/wire.js";
import {
  asMessage,
  blobOf,
  FakeChannel,
  fakeCaches,
  fakeClock,
  fakeConnections,
  fakePage,
  fakeSockets,
  flush,
  makeBundle,
  storeOf,
  until,
  wordsOf,
} from "./support.js";

const BASE = "https://a.example/viraljs/";
const IDLE_MS = 30_000;
const ICE = [{ urls: "stun:stun.example" }];
const [ONE, OTHER] = ["1".repeat(64), "2".repeat(64)];

/** A seeder whose clock, server and peer connections the test holds. */
function begin(t, { seeds = [ONE], slots = 2, ticket, limit, welcome = true, allowed = true, ...browser } = {}) {
  const clock = fakeClock(t);
  const connections = fakeConnections(t);
  const sockets = fakeSockets(t);
  const { events, window } = fakePage(t, browser);
  const bundle = makeBundle();
  const WELCOME = { type: "welcome", peer: "p", heartbeat: 30, slots };
  const seedOf = (digest) => ({
    island: { ...bundle, digest, ice: ICE, proof: `proof of ${digest[0]}` },
    blob: blobOf(bundle.bytes),
    record: { digest, url: "https://a.example/app.js", source: "server" },
  });
  /** The same bundle, still on its way; `share` says who is there to give and take. */
  const comingOf = (digest, held, share = {}) => {
    const { island, record } = seedOf(digest);
    return { island, record, store: storeOf(bundle, held), partial: true, ...share };
  };
  const seeder = createSeeder(BASE, { ticket, limit });
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
    comingOf,
    socket,
    sockets,
    window,
    /** What the server was told of progress. */
    progress: () => sockets.at(-1).sent.flatMap(({ type, progress }) => (type === "announce" ? [progress] : [])),
    /** Let a recipient ask; gives the connection that was made for it, if there was one. */
    async offer(exchange, digest = ONE, ranges = [[0, 1]], more = {}) {
      const before = connections.length;
      socket.tell({ type: "offer", exchange, digest, sdp: `v=0 of ${exchange}`, ranges, ...more });
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
      channel.receive(asMessage(encode(HAVE)));
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
    { type: "announce", digest: ONE, proof: "proof of 1", progress: 100 },
    { type: "announce", digest: OTHER, proof: "proof of 2", progress: 100 },
  ]);
  assert.deepEqual(announced(), [ONE, OTHER]);
});

test("a recipient's ticket is proof enough", (t) => {
  const { seeder, seedOf, socket } = begin(t);
  const seed = seedOf(OTHER);
  seeder.add({ ...seed, island: { ...seed.island, proof: undefined, ticket: "the ticket" } });
  assert.deepEqual(socket.sent, [{ type: "announce", digest: OTHER, proof: "the ticket", progress: 100 }]);
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

test("an offer that brings ICE servers is answered with these, and the next without them with the page's", async (t) => {
  const { offer } = begin(t);
  const ice = [{ urls: ["turn:turn.example"], username: "1:s", credential: "c" }];
  assert.deepEqual((await offer("r1.s", ONE, [[0, 1]], { ice })).configuration, { iceServers: ice });
  assert.deepEqual((await offer("r2.s")).configuration, { iceServers: ICE });
});

test("the asked pieces are sent as soon as the recipient's channel is open", async (t) => {
  const { bundle, connect, offer } = begin(t);
  const connection = await offer("r.s", ONE, [[3, 1]]);
  const channel = connect(connection);
  await flush();
  const [hello, have, data] = channel.sent.map(decode);
  assert.deepEqual([hello.type, have.type, ...have.words], [HELLO, HAVE, 0, 10]);
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

test("a recipient that has a path needs no more candidates", async (t) => {
  const { offer, socket } = begin(t);
  const connection = await offer("r1.s");
  connection.become("connected");
  socket.tell({ type: "candidates", exchange: "r1.s", candidates: ["candidate:7"] });
  assert.deepEqual(connection.added, []);
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

// Bundles that are still coming -------------------------------------------------------------------------

test("what is still coming is announced with its progress, in steps of ten percent, and the page is not told", (t) => {
  const { announced, comingOf, progress, seeder } = begin(t, { seeds: [] });
  const coming = comingOf(ONE, []);
  coming.store.count = 40;
  seeder.add(coming);
  assert.deepEqual(progress(), [0]);
  for (let piece = 0; piece < 20; piece++) coming.store.gain(piece);
  assert.deepEqual(progress(), [0, 9, 19, 29, 39, 49]);
  assert.deepEqual(announced(), []);
});

test("nobody has all before it is verified as a whole: 99 at most, then 100, and the page is told once", (t) => {
  const { announced, comingOf, progress, seeder, seedOf } = begin(t, { seeds: [] });
  const coming = comingOf(ONE, []);
  seeder.add(coming);
  for (let piece = 0; piece < 10; piece++) coming.store.gain(piece);
  assert.equal(Math.max(...progress()), 99);
  assert.deepEqual(announced(), []);
  seeder.add(seedOf(ONE));
  assert.deepEqual(progress().slice(-1), [100]);
  assert.deepEqual(announced(), [ONE]);
});

test("what came before the line was up is announced by what is there when it is", (t) => {
  const { comingOf, greet, progress, seeder } = begin(t, { seeds: [], welcome: false });
  const coming = comingOf(ONE, [0]);
  seeder.add(coming);
  for (let piece = 1; piece < 5; piece++) coming.store.gain(piece);
  assert.deepEqual(progress(), []);
  greet();
  assert.deepEqual(progress(), [49]);
});

test("a bundle that has come brings no more progress", (t) => {
  const { comingOf, progress, seeder, seedOf } = begin(t, { seeds: [] });
  const coming = comingOf(ONE, [0, 1]);
  seeder.add(coming);
  seeder.add(seedOf(ONE));
  coming.store.gain(2);
  coming.store.gain(3);
  assert.deepEqual(progress(), [19, 100]);
});

test("of a bundle that has come, the pieces are given from where they are, not read a second time", async (t) => {
  const { comingOf, connect, offer, seeder, seedOf } = begin(t, { seeds: [] });
  const coming = comingOf(ONE, [...Array(10).keys()]);
  seeder.add(coming);
  seeder.add(seedOf(ONE));
  const channel = connect(await offer("r.s"));
  await flush();
  assert.deepEqual(wordsOf(channel.sent).at(-1), [DATA, 0, 0]);
  assert.equal(coming.store.reads, 1);
});

test("a recipient of what is still coming gets what is there, is told of more, and is asked in return", async (t) => {
  const joined = [];
  const join = (...how) => joined.push(how);
  const { comingOf, connect, offer, seeder } = begin(t, { seeds: [] });
  const coming = comingOf(ONE, [0, 1], { join });
  seeder.add(coming);
  const connection = await offer("r.s", ONE, [[0, 1]]);
  const channel = connect(connection);
  await flush();
  coming.store.gain(5);
  assert.deepEqual(wordsOf(channel.sent), [
    [HELLO, VERSION],
    [HAVE, 0, 2],
    [DATA, 0, 0],
    [HAVE, 5, 1],
  ]);
  const [[recipient, taken, close]] = joined;
  assert.deepEqual([joined.length, recipient, taken === channel], [1, "r", true]);
  channel.receive(asMessage(encodeData([DATA, 3, 0], Uint8Array.of(1))));
  assert.equal(channel.readyState, "open", "it may give");
  close();
  assert.equal(connection.closed, true);
});

test("a recipient of what has come is not asked for anything, and may not give", async (t) => {
  const joined = [];
  const { connect, offer, seeder, seedOf } = begin(t, { seeds: [] });
  seeder.add({ ...seedOf(ONE), join: (...how) => joined.push(how) });
  const channel = connect(await offer("r.s"));
  channel.receive(asMessage(encodeData([DATA, 3, 0], Uint8Array.of(1))));
  assert.equal(channel.readyState, "closed");
  assert.deepEqual(joined, []);
});

/** Channels to those that a bundle comes from, one open already. */
function ownChannels() {
  const channels = [new FakeChannel(), new FakeChannel()];
  channels[0].open();
  return channels;
}

test("those that a bundle comes from may take of it too, on the same channels, without a hello", async (t) => {
  const channels = ownChannels();
  const { comingOf, seeder } = begin(t, { seeds: [] });
  seeder.add(comingOf(ONE, [0, 1], { channels }));
  channels[1].open();
  for (const channel of channels) {
    channel.receive(asMessage(encode(REQUEST, 1, 1)));
    await flush();
    assert.deepEqual(wordsOf(channel.sent), [
      [HAVE, 0, 2],
      [DATA, 1, 0],
    ]);
    channel.receive(asMessage(encodeData([DATA, 3, 0], Uint8Array.of(1))));
    assert.equal(channel.readyState, "open");
  }
});

test("a bundle that has come is not told twice to those that it came from", (t) => {
  const channels = ownChannels();
  const { comingOf, seeder, seedOf } = begin(t, { seeds: [] });
  seeder.add(comingOf(ONE, [0, 1], { channels }));
  seeder.add({ ...seedOf(ONE), channels });
  assert.deepEqual(wordsOf(channels[0].sent), [[HAVE, 0, 2]]);
});

for (const [who, how, forbid] of [
  ["a page that is paused", {}, ({ seeder }) => seeder.allow(false)],
  ["a page that was never allowed to", { allowed: false }, () => {}],
  ["a visitor who saves data", { saveData: true }, () => {}],
  ["a page that is left", {}, ({ window }) => window.dispatchEvent(new Event("pagehide"))],
]) {
  test(`${who} gives nothing to those that a bundle comes from`, async (t) => {
    const channels = ownChannels();
    const b = begin(t, { seeds: [], welcome: false, ...how });
    b.seeder.add(b.comingOf(ONE, [0, 1], { channels }));
    forbid(b);
    channels[0].receive(asMessage(encode(REQUEST, 1, 1)));
    await flush();
    assert.deepEqual(
      wordsOf(channels[0].sent).filter(([type]) => type === DATA),
      [],
    );
  });
}

test("when a page is left or paused, those that a bundle came from are left, too", (t) => {
  for (const forbid of [
    ({ seeder }) => seeder.allow(false),
    ({ window }) => window.dispatchEvent(new Event("pagehide")),
  ]) {
    let left = 0;
    const b = begin(t, { seeds: [] });
    b.seeder.add({ ...b.seedOf(ONE), leave: () => left++ });
    forbid(b);
    assert.equal(left, 1);
  }
});

// Limit and storage -------------------------------------------------------------------------------------

test("all uploads of a page share one limit", async (t) => {
  const { clock, connect, offer } = begin(t, { limit: 1000 });
  await clock.advance(1000);
  const channels = [connect(await offer("r1.s")), connect(await offer("r2.s"))];
  const sent = () => channels.map((channel) => wordsOf(channel.sent).filter(([type]) => type === DATA).length);
  await flush();
  assert.deepEqual(sent(), [1, 0]);
  await clock.advance(99);
  assert.deepEqual(sent(), [1, 0]);
  await clock.advance(1);
  assert.deepEqual(sent(), [1, 1]);
});

/** What a recipient's island has more, so that the bundle is kept. */
const KEEPING = { base: "/viraljs", cache: 10_000, keptCookie: "kept" };

test("a bundle that was received is kept for the next visit, when it is whole", async (t) => {
  const stored = fakeCaches(t);
  const { bundle, comingOf, seeder, seedOf } = begin(t, { seeds: [] });
  const seed = seedOf(ONE);
  const island = { ...seed.island, ...KEEPING };
  seeder.add({ ...comingOf(ONE, [0, 1]), island });
  await flush();
  assert.equal(stored.size, 0);
  seeder.add({ ...seed, island, blob: new Blob([bundle.bytes]) });
  await until(() => document.cookie);
  const [[url, blob]] = [...stored.get("viraljs")];
  assert.ok(url.startsWith(`https://a.example/viraljs/kept/${ONE}?`));
  assert.equal(blob.size, bundle.size);
  assert.match(document.cookie, /^kept=11111111;/);
});

test("a bundle that was kept already, or came in a full response, is not put there", async (t) => {
  const stored = fakeCaches(t);
  const { bundle, seeder, seedOf } = begin(t, { seeds: [] });
  const seed = { ...seedOf(ONE), blob: new Blob([bundle.bytes]) };
  seeder.add(seed);
  const island = { ...seed.island, ...KEEPING };
  seeder.add({ ...seed, island, record: { ...seed.record, source: "cache" } });
  await flush();
  assert.equal(stored.size, 0);
});

test("storage that fails is no harm", async (t) => {
  const debug = t.mock.method(console, "debug", () => {});
  const { bundle, seeder, seedOf } = begin(t, { seeds: [] });
  const seed = seedOf(ONE);
  seeder.add({ ...seed, island: { ...seed.island, ...KEEPING }, blob: new Blob([bundle.bytes]) });
  await flush();
  assert.equal(debug.mock.callCount(), 1);
});
