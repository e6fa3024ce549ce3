import assert from "node:assert/strict";
import test from "node:test";
import { toHex } from "../../viraljs/client/digest.js";
import { MOST_BYTES_AT_ONCE, receive } from "../../viraljs/client/receive.js";
import { sha256Sync } from "../../viraljs/client/sha256.js";
import { DATA, encode, encodeData, HAVE, HELLO, REQUEST, VERSION } from "../../viraljs/client/wire.js";
import {
  asMessage,
  CLIENT,
  CRYPTO,
  emptyRecord,
  FakeChannel,
  fakeClock,
  fakeConnections,
  fakeFetch,
  flush,
  makeBundle,
  patch,
  wordsOf,
} from "./support.js";

const SRC = "file:///app.js?v=1";
const DIRECT = "file:///app.js?v=1&viraljs=direct";
const DEADLINE = 1000;
/** A delivery that lasts so long is of use to others. */
const LONG_MS = 2000;
/** What a megabyte adds to the deadline. */
const MEGABYTE_MS = 50;

/** Receive a bundle whose seeders and server the test holds. */
function begin(t, { seeders = ["a"], roundTrip = 0, size = 1000, chance = 0, crypto = CRYPTO, ...fields } = {}) {
  t.mock.method(console, "debug", () => {});
  t.mock.method(Math, "random", () => chance);
  const clock = fakeClock(t);
  const connections = fakeConnections(t);
  const pieceLength = size / 10;
  const bundle = makeBundle({ size, pieceLength });
  patch(t, { crypto, window: {} });
  const requests = [];
  const posts = fakeFetch(t, ({ url, headers, signal }) => {
    if (!url.startsWith(DIRECT)) return Response.json({ signals: [] });
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      requests.push({
        range: headers?.Range,
        give: (...pieces) => resolve(new Response(Buffer.concat(pieces.map(bundle.pieceOf)), { status: 206 })),
        fail: () => resolve(new Response("", { status: 503 })),
      });
    });
  });
  const island = {
    ...CLIENT,
    digest: toHex(sha256Sync(bundle.bytes)),
    size,
    pieceLength,
    mediaType: "text/javascript",
    pieces: Buffer.from(bundle.digests).toString("base64"),
    ticket: ["digest", "me", ...seeders].join("~").concat(".time.signature"),
    deadline: DEADLINE,
    ice: [{ urls: "stun:stun.example" }],
    early: false,
    stream: null,
    ...fields,
  };
  const record = emptyRecord();
  const fallbacks = [];
  const shared = [];
  const outcome = { prepared: null, error: null };
  const over = receive(
    island,
    SRC,
    roundTrip,
    record,
    (reason) => fallbacks.push(reason),
    (prepared) => shared.push(prepared),
  ).then(
    (prepared) => {
      outcome.prepared = prepared;
    },
    (error) => {
      outcome.error = error;
    },
  );
  /** A seeder's channel comes up, and it gives these pieces. */
  async function give(channel, ...pieces) {
    if (channel.readyState === "connecting") channel.open();
    channel.receive(asMessage(encode(HELLO, VERSION)));
    channel.receive(asMessage(encode(HAVE, ...pieces.flatMap((piece) => [piece, 1]))));
    for (const piece of pieces) channel.receive(asMessage(encodeData([DATA, piece, 0], bundle.pieceOf(piece))));
    await flush();
  }
  return { bundle, clock, connections, fallbacks, give, island, outcome, over, posts, record, requests, shared };
}

const ALL = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

test("the seeders of the ticket are introduced, all at once, and bring the bundle", async (t) => {
  const r = begin(t, { seeders: ["a", "b"] });
  assert.equal(r.connections.length, 2);
  for (const connection of r.connections) {
    assert.deepEqual(connection.configuration, { iceServers: r.island.ice });
    connection.find("candidate:1");
  }
  await flush();
  const [{ url, body }] = r.posts;
  assert.equal(url, `file://${r.island.base}/offers`);
  const { ticket, offers } = JSON.parse(body);
  assert.equal(ticket, r.island.ticket);
  assert.deepEqual(
    offers.map(({ seeder, ranges }) => [seeder, ranges]),
    [
      ["a", [[0, 5]]],
      ["b", [[5, 5]]],
    ],
  );
  await r.give(r.connections[0].channel, 0, 1, 2, 3, 4);
  await r.give(r.connections[1].channel, 5, 6, 7, 8, 9);
  await r.over;
  const { blob, store } = r.outcome.prepared;
  assert.equal(blob.type, "text/javascript");
  assert.deepEqual(Buffer.from(await blob.arrayBuffer()), Buffer.from(r.bundle.bytes));
  assert.equal(store.has(9), true);
  assert.equal(r.record.bytesFromPeers, 1000);
  assert.deepEqual(r.requests, []);
});

test("the whole is checked when all pieces are: what does not add up to its digest is not given, and not shared", async (t) => {
  const r = begin(t, { digest: toHex(sha256Sync(Uint8Array.of(1))) });
  await r.give(r.connections[0].channel, ...ALL);
  await r.over;
  assert.equal(r.record.bytesFromPeers, 1000, "each piece was what the manifest says");
  assert.equal(r.outcome.error.message, "digest");
  assert.equal(r.outcome.prepared, null);
  await r.clock.advance(10 * LONG_MS);
  assert.deepEqual(r.shared, []);
});

test("what is too large to be held as a whole is not checked a second time", async (t) => {
  const r = begin(t, { digest: "0".repeat(64) });
  r.island.size = MOST_BYTES_AT_ONCE + 1;
  await r.give(r.connections[0].channel, ...ALL);
  await r.over;
  assert.equal(r.outcome.error, null);
  assert.equal(r.outcome.prepared.blob.size, 1000);
});

test("the whole is checked on plain http too, with our own hash", async (t) => {
  for (const [digest, message] of [
    [undefined, undefined],
    ["0".repeat(64), "digest"],
  ]) {
    const r = begin(t, { seeders: [], stream: 0, crypto: {}, ...(digest && { digest }) });
    r.requests[0].give(...ALL);
    await r.over;
    assert.equal(r.outcome.error?.message, message);
    assert.equal(r.outcome.prepared?.blob.size, message ? undefined : 1000);
  }
});

for (const [what, how, expected] of [
  ["the server's number", {}, DEADLINE],
  ["eight round trips more", { roundTrip: 50 }, DEADLINE + 400],
  ["a second more at most, however far the server", { roundTrip: 400 }, DEADLINE + 1000],
  ["some more where there is much to wait for", { size: 2_000_000, roundTrip: 10 }, DEADLINE + 80 + 2 * MEGABYTE_MS],
]) {
  test(`the deadline is ${what}`, async (t) => {
    const r = begin(t, { size: 10, ...how });
    await r.clock.advance(expected - 1);
    assert.deepEqual(r.fallbacks, []);
    await r.clock.advance(2);
    assert.deepEqual(r.fallbacks, ["deadline"]);
  });
}

test("it begins anywhere, and each recipient elsewhere", (t) => {
  for (const [chance, first] of [
    [0, 0],
    [0.55, 5],
    [0.999, 9],
  ]) {
    const r = begin(t, { chance, early: true });
    r.connections[0].channel.open();
    r.connections[0].channel.close();
    const start = first * 100;
    const expected = first ? `bytes=${start}-999` : undefined;
    assert.equal(r.requests[0].range, expected);
  }
});

test("a stream begins at the server's piece, at once and without a fallback", async (t) => {
  const r = begin(t, { seeders: [], stream: 4, chance: 0.9 });
  assert.deepEqual(
    r.requests.map(({ range }) => range),
    ["bytes=400-999"],
  );
  r.requests[0].give(4, 5, 6, 7, 8, 9);
  await flush();
  assert.equal(r.requests[1].range, "bytes=0-399");
  r.requests[1].give(0, 1, 2, 3);
  await r.over;
  assert.deepEqual(r.fallbacks, []);
  assert.equal(r.record.bytesFromServer, 1000);
});

test("a stream from the very first piece is one too", (t) => {
  const r = begin(t, { seeders: [], stream: 0, chance: 0.9 });
  assert.deepEqual([r.requests.length, r.requests[0].range], [1, undefined]);
});

test("a stream beside seeders begins anywhere: others begin elsewhere", (t) => {
  const r = begin(t, { stream: 0, chance: 0.9 });
  assert.deepEqual([r.requests.length, r.requests[0].range], [1, "bytes=900-999"]);
  assert.equal(r.connections.length, 1);
});

test("a stream without seeders introduces nobody", async (t) => {
  const r = begin(t, { stream: 0, seeders: [] });
  await r.clock.advance(LONG_MS);
  assert.ok(r.posts.every(({ url }) => url === DIRECT));
});

test("a delivery that takes long lets others have what has come", async (t) => {
  const r = begin(t, { deadline: 60_000 });
  await r.clock.advance(LONG_MS - 1);
  assert.deepEqual(r.shared, []);
  await r.clock.advance(1);
  const [{ store, channels, partial }] = r.shared;
  assert.deepEqual([r.shared.length, partial], [1, true]);
  assert.deepEqual(channels, [r.connections[0].channel]);
  assert.equal(store.has(3), false);
  await r.give(channels[0], 3);
  assert.equal(store.has(3), true);
});

test("where others wait, it lets them have it at once", async (t) => {
  const r = begin(t, { early: true });
  assert.deepEqual(r.shared, [], "not before the rest of the page had its turn");
  await r.clock.advance(0);
  assert.equal(r.shared.length, 1);
});

test("a delivery that is over sooner is shared as a whole, by whoever asked for it", async (t) => {
  const r = begin(t);
  await r.give(r.connections[0].channel, ...ALL);
  await r.over;
  await r.clock.advance(10 * LONG_MS);
  assert.deepEqual(r.shared, []);
  assert.equal(r.outcome.prepared.partial, undefined);
});

test("one that failed sooner is not shared", async (t) => {
  const r = begin(t);
  r.connections[0].channel.open();
  r.connections[0].channel.close();
  r.requests[0].fail();
  await r.over;
  assert.equal(r.outcome.error.message, "503");
  await r.clock.advance(10 * LONG_MS);
  assert.deepEqual(r.shared, []);
});

test("one who asks for what has come is asked for what it has", async (t) => {
  const r = begin(t, { early: true, deadline: 60_000 });
  await r.clock.advance(0);
  const channel = new FakeChannel();
  let closed = 0;
  r.shared[0].join("recipient", channel, () => closed++);
  channel.open();
  channel.receive(asMessage(encode(HAVE, 9, 1)));
  // All is asked of the seeder that the offer went to, until it says what it has.
  assert.deepEqual(channel.sent, []);
  await r.give(r.connections[0].channel, 0);
  channel.receive(asMessage(encode(HAVE, 8, 1)));
  assert.deepEqual(wordsOf(channel.sent), [
    [REQUEST, 9, 1],
    [REQUEST, 8, 1],
  ]);
  channel.receive(asMessage(encodeData([DATA, 9, 0], r.bundle.pieceOf(9))));
  await flush();
  assert.equal(r.record.uploads[1].seeder, "recipient");
  assert.equal(r.record.uploads[1].bytes, 100);
  channel.receive(asMessage(encode(HELLO, VERSION + 1)));
  assert.equal(closed, 1);
});

test("in a crowd links may stay open at the end; to leave ends them, and never what is still coming", async (t) => {
  const r = begin(t, { early: true, seeders: ["part", "full"], deadline: 60_000 });
  await r.clock.advance(0);
  const [part, full] = r.connections;
  await r.give(part.channel, 0);
  r.shared[0].leave();
  assert.deepEqual([part.closed, full.closed], [false, false]);
  await r.give(full.channel, ...ALL.slice(1));
  full.channel.receive(asMessage(encode(HAVE, 0, 10)));
  await r.over;
  assert.equal(part.closed, false);
  r.outcome.prepared.leave();
  assert.equal(part.closed, true);
});

for (const [what, answer] of [
  ["a status", () => new Response("{}", { status: 409 })],
  ["an error of the server", () => new Response("", { status: 502 })],
  ["the network", () => Promise.reject(new TypeError("failed to fetch"))],
]) {
  test(`offers that ${what} refuses make the server give all, at once, whoever has joined meanwhile`, async (t) => {
    const r = begin(t, { seeders: ["a", "b"], early: true, deadline: 60_000 });
    await r.clock.advance(0);
    const { fetch } = globalThis;
    patch(t, { fetch: async (url, options) => (url.endsWith("/offers") ? answer() : fetch(url, options)) });
    const joined = new FakeChannel();
    r.shared[0].join("recipient", joined, () => {});
    joined.open();
    joined.receive(asMessage(encode(HAVE, 9, 1)));
    const before = r.clock.now();
    for (const connection of r.connections) connection.find("candidate:1");
    await flush();
    assert.equal(r.clock.now(), before);
    assert.deepEqual(r.fallbacks, ["signaling"]);
    assert.deepEqual(
      r.requests.map(({ range }) => range),
      [undefined],
      "all of it, in one request",
    );
    assert.ok(r.connections.every(({ closed }) => closed));
    r.requests[0].give(...ALL);
    await r.over;
    assert.equal(r.record.bytesFromServer, 1000);
  });
}

test("signaling that fails when the server does, too, is an error", async (t) => {
  const r = begin(t);
  patch(t, { fetch: async (url) => new Response("", { status: url.endsWith("/offers") ? 502 : 503 }) });
  r.connections[0].find("candidate:1");
  await r.over;
  assert.deepEqual(r.fallbacks, ["signaling"]);
  assert.equal(r.outcome.error.message, "503");
  assert.deepEqual(r.clock.waits(), []);
});
