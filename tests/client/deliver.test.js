import assert from "node:assert/strict";
import { resolveObjectURL } from "node:buffer";
import test from "node:test";
import { deliver } from "../../viraljs/client/deliver.js";
import { toHex, toIntegrity } from "../../viraljs/client/digest.js";
import { CACHE, keptUrl } from "../../viraljs/client/kept.js";
import { createLimit } from "../../viraljs/client/limit.js";
import { thePage } from "../../viraljs/client/page.js";
import { sha256Sync } from "../../viraljs/client/sha256.js";
import { upload } from "../../viraljs/client/upload.js";
import {
  asMessage,
  CLIENT,
  CRYPTO,
  FakeChannel,
  FakeScript,
  fakeCaches,
  fakeClock,
  fakeConnections,
  fakeFetch,
  fakePage,
  fakeSockets,
  flush,
  makeBundle,
  patch,
  storeOf,
} from "./support.js";

// Loaded here, so that the page, which loads them when they are needed, gets them without a wait.
await import("../../viraljs/client/receive.js");
await import("../../viraljs/client/seeder.js");

const SRC = "file:///app.js?v=1";
const DIRECT = "file:///app.js?v=1&viraljs=direct";
const BREAKER = "viraljs_failures";
const DEADLINE = 1500;

/** Make two channels each other's ends. */
function join(one, other) {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ]) {
    from.send = (view) => queueMicrotask(() => to.readyState === "open" && to.receive(asMessage(view)));
  }
  other.open();
  one.open();
}

/**
 * A visit whose server, seeders and browser are fakes, and whose client is the whole real one.
 *
 * @param {object} how they behave
 * @param {(script: FakeScript) => boolean} [how.loads] whether the browser runs a script that is put into the page
 * @param {string[]} [how.seeders] those whom the ticket names
 * @param {string[]} [how.lying] those of them that give wrong bytes
 * @param {boolean} [how.signaling] whether the server introduces anyone
 * @param {(range?: string) => Response} [how.direct] the direct URL, if not the bundle
 * @param {Uint8Array} [how.kept] what an earlier visit has kept under the bundle's name
 * @param {object} [how.fields] of the island
 */
function visit(t, { loads = () => true, seeders = ["a"], lying = [], signaling = true, direct, ...more } = {}) {
  const { kept, fields, ...browser } = more;
  t.mock.method(console, "debug", () => {});
  const clock = fakeClock(t);
  const connections = fakeConnections(t);
  const sockets = fakeSockets(t);
  const bundle = makeBundle({ size: 1050 });
  const page = fakePage(t, browser);
  patch(t, { crypto: CRYPTO });
  const digest = toHex(sha256Sync(bundle.bytes));
  /** Cookies that were written, in order; of what is read, they change nothing. */
  const written = [];
  const cookie = browser.cookie ?? (kept ? `kept=${digest.slice(0, 8)}` : "");
  Object.defineProperty(page.document, "cookie", { get: () => cookie, set: (text) => written.push(text) });
  const island = {
    ...CLIENT,
    url: "/app.js?v=1",
    digest,
    size: bundle.size,
    pieceLength: bundle.pieceLength,
    mediaType: "text/javascript",
    pieces: Buffer.from(bundle.digests).toString("base64"),
    ticket: [`${digest}~me`, ...seeders].join("~").concat(".time.signature"),
    deadline: DEADLINE,
    breaker: [BREAKER, 600, 3],
    ice: [],
    slots: 2,
    consent: false,
    consentCookie: "consent",
    early: false,
    stream: null,
    cache: 10_000,
    keptCookie: "kept",
    ...fields,
  };
  const stored = fakeCaches(t);
  if (kept) stored.set(CACHE, new Map([[keptUrl(island, SRC), new Blob([kept], { type: island.mediaType })]]));

  function introduceAll({ offers }) {
    for (const { seeder, ranges } of offers) {
      const theirs = new FakeChannel();
      const bytesOf = lying.includes(seeder)
        ? (piece) => new Uint8Array(bundle.pieces.lengthOf(piece))
        : bundle.pieceOf;
      const pack = async (piece) => ({ bytes: bytesOf(piece), packed: false });
      const source = { store: storeOf(bundle), pack, limit: createLimit(), trades: false, isAllowed: () => true };
      upload(theirs, source, ranges);
      join(connections[seeders.indexOf(seeder)].channel, theirs);
    }
    return Response.json({ signals: [] });
  }

  const fetched = fakeFetch(t, ({ url, body, headers }) => {
    if (url.endsWith("/offers")) return signaling ? introduceAll(JSON.parse(body)) : new Response("", { status: 502 });
    assert.equal(url, DIRECT);
    if (direct) return direct(headers?.Range);
    const [first, last] = headers ? headers.Range.match(/\d+/g).map(Number) : [0, bundle.size - 1];
    return new Response(bundle.bytes.slice(first, last + 1), { status: headers ? 206 : 200 });
  });

  const original = new FakeScript({ src: SRC });
  const order = [];
  /** What was run, in order: URL, integrity and code of each script. */
  const ran = [];
  function insert(script) {
    const { loadedFrom, integrity } = script;
    const code = loadedFrom.startsWith("blob:") ? resolveObjectURL(loadedFrom) : null;
    const does = loads(script);
    if (does) ran.push({ loadedFrom, integrity, code });
    order.push(does ? "run" : "refused");
    queueMicrotask(() => script.end(does ? "load" : "error"));
  }
  original.isConnected = true;
  original.after = insert;
  page.document.inserted = insert;
  for (const type of ["load", "error"]) original.addEventListener(type, () => order.push(type));

  return {
    ...page,
    bundle,
    clock,
    connections,
    fetched,
    island,
    order,
    original,
    ran,
    sockets,
    stored,
    /** What was written last under a name. */
    written: (name) => written.findLast((text) => text.startsWith(`${name}=`))?.slice(name.length + 1),
    /** Let the delivery come to its end; gives its record, if there is one. */
    async finish(element = original) {
      let over = false;
      deliver(island, element).then(() => {
        over = true;
      });
      for (let turn = 0; turn < 20; turn++) await flush();
      for (const connection of connections) connection.find("candidate:1");
      for (let turn = 0; turn < 50 && !over; turn++) await clock.advance(100);
      assert.equal(over, true, "the delivery ends");
      assert.ok(page.window.ViralJS.deliveries.length <= 1);
      return page.window.ViralJS.deliveries[0];
    },
  };
}

const directFetches = ({ fetched }) => fetched.filter(({ url }) => url === DIRECT);
const summary = ({ source, bytesFromPeers, bytesFromServer, peers, reason }) => ({
  source,
  bytesFromPeers,
  bytesFromServer,
  peers,
  reason,
});

test("seeders bring the bundle: it runs once, from verified bytes, and the server gave none of them", async (t) => {
  const v = visit(t, { seeders: ["a", "b"] });
  const record = await v.finish();
  assert.deepEqual(summary(record), {
    source: "peers",
    bytesFromPeers: 1050,
    bytesFromServer: 0,
    peers: 2,
    reason: null,
  });
  assert.equal(record.url, SRC);
  assert.equal(v.ran.length, 1);
  assert.equal(v.ran[0].integrity, toIntegrity(v.island.digest));
  assert.deepEqual(Buffer.from(await v.ran[0].code.arrayBuffer()), Buffer.from(v.bundle.bytes));
  assert.equal(v.ran[0].code.type, "text/javascript");
  assert.deepEqual(directFetches(v), []);
  assert.ok(v.connections.every(({ closed }) => closed));
});

test("the original's load event comes after the run; then the record is told to page and server", async (t) => {
  const v = visit(t);
  const record = await v.finish();
  assert.deepEqual(v.order, ["run", "load"]);
  assert.deepEqual(v.events, [["delivered", record]]);
  const [[url, report]] = v.beacons;
  assert.equal(url, new URL(`${v.island.base}/report`, SRC).href);
  assert.equal(report.ticket, v.island.ticket);
  assert.deepEqual(report.uploads, [{ seeder: "a", bytes: 1050, milliseconds: 0, failure: null, roundTrip: 0 }]);
});

test("the page seeds what it received, under the name of its ticket, after the run", async (t) => {
  const v = visit(t);
  await v.finish();
  await v.clock.advance(0);
  assert.equal(v.sockets.length, 1);
  assert.ok(v.sockets[0].url.endsWith(`/socket?ticket=${v.island.ticket}`));
});

test("a liar is ended and reported, and the honest one brings the rest", async (t) => {
  const v = visit(t, { seeders: ["liar", "b"], lying: ["liar"] });
  const record = await v.finish();
  assert.equal(record.source, "peers");
  assert.deepEqual(
    record.uploads.map(({ seeder, bytes, failure }) => [seeder, bytes, failure]),
    [
      ["liar", 0, "corrupt"],
      ["b", 1050, null],
    ],
  );
  assert.deepEqual(Buffer.from(await v.ran[0].code.arrayBuffer()), Buffer.from(v.bundle.bytes));
});

test("only liars: the server brings it all, and not one wrong byte runs", async (t) => {
  const v = visit(t, { seeders: ["liar"], lying: ["liar"] });
  const record = await v.finish();
  assert.deepEqual(summary(record), {
    source: "server",
    bytesFromPeers: 0,
    bytesFromServer: 1050,
    peers: 0,
    reason: "corrupt",
  });
  assert.deepEqual(Buffer.from(await v.ran[0].code.arrayBuffer()), Buffer.from(v.bundle.bytes));
  assert.deepEqual(
    v.events.map(([name]) => name),
    ["fallback", "delivered"],
  );
});

test("signaling is down: the server brings it at once, without the deadline", async (t) => {
  const v = visit(t, { signaling: false });
  const record = await v.finish();
  assert.deepEqual(summary(record), {
    source: "server",
    bytesFromPeers: 0,
    bytesFromServer: 1050,
    peers: 0,
    reason: "signaling",
  });
  assert.ok(record.milliseconds < DEADLINE);
  assert.equal(v.ran.length, 1);
});

test("a bundle of an earlier visit runs at once, verified, and nobody is asked for anything", async (t) => {
  const bytes = makeBundle({ size: 1050 }).bytes;
  // Nothing of what receives is there to be loaded.
  const v = visit(t, { kept: bytes, fields: { client: "nowhere" } });
  const record = await v.finish();
  assert.deepEqual(summary(record), { source: "cache", bytesFromPeers: 0, bytesFromServer: 0, peers: 0, reason: null });
  assert.equal(record.bytesFromCache, 1050);
  assert.deepEqual([v.fetched, v.connections], [[], []]);
  assert.equal(v.ran[0].integrity, toIntegrity(v.island.digest));
  assert.deepEqual(Buffer.from(await v.ran[0].code.arrayBuffer()), Buffer.from(bytes));
  assert.deepEqual(v.order, ["run", "load"]);
  assert.equal(v.beacons[0][1].source, "cache");
});

test("a bundle of an earlier visit is seeded, and not kept a second time", async (t) => {
  const v = visit(t, { kept: makeBundle({ size: 1050 }).bytes });
  await v.finish();
  await v.clock.advance(0);
  assert.equal(v.sockets.length, 1);
  assert.deepEqual([...v.stored.get(CACHE).keys()], [keptUrl(v.island, SRC)]);
  assert.equal(v.written("kept"), undefined);
});

test("other bytes under the name of the bundle never run: it is received", async (t) => {
  const v = visit(t, { kept: new Uint8Array(1050) });
  const record = await v.finish();
  assert.equal(record.source, "peers");
  assert.equal(record.bytesFromCache, 0);
  assert.deepEqual(Buffer.from(await v.ran[0].code.arrayBuffer()), Buffer.from(v.bundle.bytes));
});

test("a client that can't be loaded costs the peers, not the app", async (t) => {
  const v = visit(t, { fields: { client: "nowhere" } });
  const record = await v.finish();
  assert.equal(record.reason, "client");
  assert.equal(record.source, "server");
  assert.deepEqual(
    v.ran.map(({ loadedFrom }) => loadedFrom),
    [DIRECT],
  );
});

test("what was received is kept for the next visit, and the server is told", async (t) => {
  const v = visit(t);
  await v.finish();
  await v.clock.advance(0);
  for (let turn = 0; turn < 10; turn++) await flush();
  assert.deepEqual(
    [...v.stored.get(CACHE).keys()].map((url) => url.replace(/\?.*/, "")),
    [keptUrl(v.island, SRC)],
  );
  assert.ok(v.written("kept").startsWith(`${v.island.digest.slice(0, 8)};`));
});

test("a stream that the server brings alone is no failure: no reason, no event, no count", async (t) => {
  const v = visit(t, { seeders: [], fields: { stream: 3 } });
  const record = await v.finish();
  assert.deepEqual(summary(record), {
    source: "server",
    bytesFromPeers: 0,
    bytesFromServer: 1050,
    peers: 0,
    reason: null,
  });
  assert.deepEqual(
    v.events.map(([name]) => name),
    ["delivered"],
  );
  assert.equal(v.written(BREAKER), undefined);
  assert.equal(directFetches(v)[0].headers.Range, "bytes=300-1049");
  assert.deepEqual(Buffer.from(await v.ran[0].code.arrayBuffer()), Buffer.from(v.bundle.bytes));
});

test("the report tells the server only of those that it named, the record of all", async (t) => {
  let release = () => {};
  const held = new Promise((resolve) => {
    release = resolve;
  });
  const v = visit(t, { signaling: false, fields: { early: true }, direct: () => held });
  const shared = [];
  thePage().seed = async (_island, _src, prepare, _record, early) => {
    shared.push(early);
    if (!early) return;
    (await prepare()).join("stranger", new FakeChannel(), () => {});
    release(new Response(v.bundle.bytes));
  };
  const record = await v.finish();
  const named = (uploads) => uploads.map(({ seeder }) => seeder);
  assert.deepEqual(named(record.uploads), ["a", "stranger"]);
  assert.deepEqual(named(v.beacons[0][1].uploads), ["a"]);
  assert.deepEqual(shared, [true, undefined], "early, and when it is whole");
});

test("a browser without WebRTC gets the direct bundle at once, and seeds nothing", async (t) => {
  const v = visit(t, { webrtc: null });
  const record = await v.finish();
  assert.deepEqual(summary(record), {
    source: "server",
    bytesFromPeers: 0,
    bytesFromServer: 1050,
    peers: 0,
    reason: "no-webrtc",
  });
  assert.deepEqual(v.ran, [{ loadedFrom: DIRECT, integrity: "", code: null }]);
  assert.deepEqual(v.order, ["run", "load"]);
  assert.deepEqual(v.fetched, []);
  await v.clock.advance(0);
  assert.equal(v.sockets.length, 0);
});

test("a server whose direct bundle has changed: its own version runs, by its URL, once, and is not seeded", async (t) => {
  const v = visit(t, { signaling: false, direct: () => new Response(new Uint8Array(1050)) });
  const record = await v.finish();
  assert.equal(record.reason, "signaling");
  assert.equal(record.source, "server");
  assert.deepEqual(
    v.ran.map(({ loadedFrom }) => loadedFrom),
    [DIRECT],
  );
  await v.clock.advance(0);
  assert.equal(v.sockets.length, 0);
});

test("bundles run in the order of their elements, whichever is there first, and a lost one holds up none", async (t) => {
  for (const loads of [() => true, () => false]) {
    const v = visit(t, { webrtc: null, loads });
    const order = [];
    const inserted = [];
    for (const name of ["first", "second"]) {
      const element = new FakeScript({ src: SRC });
      element.isConnected = true;
      element.after = (script) => {
        order.push(name);
        inserted.push(script);
      };
      deliver(v.island, element);
    }
    await flush();
    assert.deepEqual(order, ["first"]);
    inserted[0].end(loads() ? "load" : "error");
    await flush();
    assert.deepEqual(order, ["first", "second"]);
  }
});

test("a policy that refuses blob: scripts costs a second download, not the app", async (t) => {
  const v = visit(t, { loads: ({ loadedFrom }) => !loadedFrom.startsWith("blob:") });
  const record = await v.finish();
  assert.deepEqual(v.order, ["refused", "run", "load"]);
  assert.equal(v.ran[0].loadedFrom, DIRECT);
  assert.deepEqual(summary(record), {
    source: "server",
    bytesFromPeers: 1050,
    bytesFromServer: 1050,
    peers: 1,
    reason: "blocked",
  });
});

test("a policy that refuses our code for good ends the attempts: the server is to leave this browser alone", async (t) => {
  const { finish, written } = visit(t, { loads: ({ loadedFrom }) => !loadedFrom.startsWith("blob:") });
  await finish();
  assert.match(written(BREAKER), /^999;/);
});

test("a page that allows no policy of our name gets an error event, and is told why", async (t) => {
  const told = t.mock.method(console, "error", () => {});
  const v = visit(t);
  v.window.trustedTypes = {
    createPolicy() {
      throw new TypeError("policy viraljs disallowed");
    },
  };
  await v.finish();
  assert.deepEqual(v.order, ["error"]);
  assert.match(told.mock.calls[0].arguments[0].message, /disallowed/);
});

test("where nothing gives the bundle, the original has an error event, as without us", async (t) => {
  const v = visit(t, { signaling: false, direct: () => new Response("", { status: 503 }), loads: () => false });
  const record = await v.finish();
  assert.deepEqual(v.order, ["refused", "error"]);
  assert.deepEqual(v.ran, []);
  assert.equal(record, undefined, "a bundle that never ran is no delivery");
  assert.deepEqual(v.beacons, []);
  assert.equal(v.written(BREAKER), undefined);
  assert.ok(v.events.every(([name]) => name !== "delivered"));
});

test("failures in a row are counted in a cookie that ends by itself; a success forgets them", async (t) => {
  const first = visit(t, { signaling: false });
  await first.finish();
  assert.match(first.written(BREAKER), /^1; path=\/; max-age=600;/);
  const next = visit(t, { signaling: false, cookie: `${BREAKER}=2` });
  await next.finish();
  assert.match(next.written(BREAKER), /^3;/);
  const good = visit(t, { cookie: `${BREAKER}=2` });
  await good.finish();
  assert.match(good.written(BREAKER), /^0; path=\/; max-age=0;/);
  const clean = visit(t);
  await clean.finish();
  assert.equal(clean.written(BREAKER), undefined);
});

for (const [reason, what] of Object.entries({
  consent: { fields: { consent: true } },
  breaker: { cookie: `${BREAKER}=3` },
})) {
  test(`${reason}: where the server could not see the cookie, the client takes the direct bundle at once`, async (t) => {
    const v = visit(t, what);
    const { source, ...record } = await v.finish();
    assert.deepEqual([source, record.reason, record.peers], ["server", reason, 0]);
    assert.deepEqual(v.order, ["run", "load"]);
    assert.equal(v.ran[0].loadedFrom, DIRECT);
    assert.deepEqual([v.fetched.length, v.connections.length, v.sockets.length], [0, 0, 0]);
    assert.equal(v.written(BREAKER), undefined, "nothing was tried, so nothing failed");
  });
}

test("a thin client that was evaluated by hand, without an element, still brings the bundle", async (t) => {
  const v = visit(t);
  v.document.createElement = () => {
    const script = new FakeScript();
    // As a browser does: a URL that is set is read back in full.
    Object.defineProperty(script, "src", {
      set: (url) => {
        script.loadedFrom = new URL(url, SRC).href;
      },
      get: () => script.loadedFrom,
      configurable: true,
    });
    return script;
  };
  const record = await v.finish(null);
  assert.equal(record.source, "peers");
  assert.equal(v.ran.length, 1);
});
