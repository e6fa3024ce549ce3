import assert from "node:assert/strict";
import { resolveObjectURL } from "node:buffer";
import test from "node:test";
import { deliver } from "../../viraljs/client/deliver.js";
import { toHex } from "../../viraljs/client/digest.js";
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
  FakeTrusted,
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
 * @param {(document: object) => void} [how.code] what the bundle does
 * @param {string} [how.src] what the page's element has
 */
function visit(t, { loads = () => true, seeders = ["a"], lying = [], signaling = true, direct, ...more } = {}) {
  const { code = () => {}, kept, fields, src = SRC, ...browser } = more;
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
    assert.ok([DIRECT, new URL(island.direct ?? DIRECT, SRC).href].includes(url));
    if (direct) return direct(headers?.Range);
    const [first, last] = headers ? headers.Range.match(/\d+/g).map(Number) : [0, bundle.size - 1];
    return new Response(bundle.bytes.slice(first, last + 1), { status: headers ? 206 : 200 });
  });

  const original = new FakeScript({ src });
  const order = [];
  /** What was run, in order: URL and code of each script. */
  const ran = [];
  page.document.inserted = (script) => {
    const { loadedFrom } = script;
    const blob = loadedFrom.startsWith("blob:") ? resolveObjectURL(loadedFrom) : null;
    // An empty one finds out what the page allows.
    const probes = blob?.size === 0;
    const does = loads(script);
    order.push(...(probes ? ["probed"] : []), ...(does ? [] : ["refused"]), ...(does && !probes ? ["run"] : []));
    if (does && !probes) ran.push({ loadedFrom, blob });
    queueMicrotask(() => {
      if (does && !probes) page.document.execute(script, () => code(page.document));
      script.end(does ? "load" : "error");
    });
  };
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

/** What ran as the bundle, without the name that it was given. */
async function bytesOf({ blob }, src = SRC) {
  const bytes = Buffer.from(await blob.arrayBuffer());
  const name = `\n//# sourceURL=${src}`;
  assert.equal(bytes.subarray(-name.length).toString(), name);
  return bytes.subarray(0, -name.length);
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
  assert.deepEqual(await bytesOf(v.ran[0]), Buffer.from(v.bundle.bytes));
  assert.equal(v.ran[0].blob.type, "text/javascript");
  assert.deepEqual(directFetches(v), []);
  assert.ok(v.connections.every(({ closed }) => closed));
});

test("the original's load event comes after the run; then the record is told to page and server", async (t) => {
  const v = visit(t);
  const record = await v.finish();
  assert.deepEqual(v.order, ["probed", "run", "load"]);
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
  assert.deepEqual(await bytesOf(v.ran[0]), Buffer.from(v.bundle.bytes));
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
  assert.deepEqual(await bytesOf(v.ran[0]), Buffer.from(v.bundle.bytes));
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
  assert.deepEqual(await bytesOf(v.ran[0]), Buffer.from(bytes));
  assert.deepEqual(v.order, ["probed", "run", "load"]);
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
  assert.deepEqual(await bytesOf(v.ran[0]), Buffer.from(v.bundle.bytes));
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
  assert.deepEqual(await bytesOf(v.ran[0]), Buffer.from(v.bundle.bytes));
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
  assert.deepEqual(v.ran, [{ loadedFrom: DIRECT, blob: null }]);
  assert.deepEqual(v.order, ["run", "load"], "and what the page allows is not asked");
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
  for (const type of ["load", "error"]) {
    const v = visit(t, { webrtc: null });
    const inserted = [];
    v.document.inserted = (script) => inserted.push(script);
    for (const name of ["first", "second"]) deliver(v.island, new FakeScript({ src: `${SRC}&${name}` }));
    await flush();
    assert.deepEqual(
      inserted.map(({ src }) => src),
      [`${SRC}&first&viraljs=direct`],
    );
    inserted[0].end(type);
    await flush();
    assert.equal(inserted.length, 2);
    assert.equal(inserted[1].src, `${SRC}&second&viraljs=direct`);
  }
});

const noBlobs = ({ loadedFrom }) => !loadedFrom.startsWith("blob:");

test("a policy that refuses blob: scripts is found out before any bytes are asked for, and the direct URL runs", async (t) => {
  const v = visit(t, { loads: noBlobs });
  const record = await v.finish();
  assert.deepEqual(v.order, ["probed", "refused", "run", "load"]);
  assert.equal(v.ran[0].loadedFrom, DIRECT);
  assert.deepEqual([v.fetched, v.connections], [[], []]);
  assert.deepEqual(summary(record), {
    source: "server",
    bytesFromPeers: 0,
    bytesFromServer: 1050,
    peers: 0,
    reason: "blocked",
  });
  assert.equal(v.beacons[0][1].reason, "blocked");
  await v.clock.advance(0);
  assert.equal(v.sockets.length, 0, "nothing is seeded");
});

test("where it refuses blob: scripts, a bundle that was kept is of no use, and not counted", async (t) => {
  const v = visit(t, { kept: makeBundle({ size: 1050 }).bytes, loads: noBlobs });
  const record = await v.finish();
  assert.deepEqual([record.source, record.reason, record.bytesFromCache], ["server", "blocked", 0]);
});

test("a bundle that is refused though an empty one was not costs a second download, not the app", async (t) => {
  const v = visit(t, { loads: ({ loadedFrom }) => !resolveObjectURL(loadedFrom)?.size });
  const record = await v.finish();
  assert.deepEqual(v.order, ["probed", "refused", "run", "load"]);
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
  const { finish, written } = visit(t, { loads: noBlobs });
  await finish();
  assert.match(written(BREAKER), /^999;/);
});

for (const src of [SRC, `${SRC}&viraljs=1`]) {
  test(`a page that takes no URL of ours gets an error event, and is told why: ${src}`, async (t) => {
    const told = t.mock.method(console, "error", () => {});
    const v = visit(t, { src });
    v.document.trustedOnly = true;
    await v.finish();
    assert.deepEqual(v.order, ["error"]);
    assert.ok(told.mock.calls[0].arguments[0] instanceof TypeError);
    assert.deepEqual([v.fetched, v.connections], [[], []]);
  });
}

test("a bundle that is not for peers after all runs in its turn, from the server, and nothing is said of it", async (t) => {
  const v = visit(t, { fields: { ticket: undefined, pieces: undefined, digest: "" } });
  const first = thePage().begin(v.island);
  const finished = v.finish();
  await flush();
  assert.deepEqual(v.ran, []);
  first.done();
  await finished;
  assert.deepEqual(
    v.ran.map(({ loadedFrom }) => loadedFrom),
    [`${SRC}&viraljs=direct`],
  );
  assert.deepEqual(v.order, ["run", "load"]);
  assert.deepEqual([v.beacons, v.connections, thePage().deliveries, v.events], [[], [], [], []]);
});

test("a page that takes what our policy has made gets the bundle by it, and its mark taken off", async (t) => {
  const v = visit(t, { src: `${SRC}&viraljs=1` });
  v.document.trustedOnly = true;
  thePage().trust = (url) => new FakeTrusted(url);
  const record = await v.finish();
  assert.equal(record.source, "peers");
  assert.deepEqual(v.order, ["probed", "run", "load"]);
  assert.equal(v.original.src, SRC);
});

test("our mark is taken off the element's URL at once; a URL without it is not touched", (t) => {
  for (const src of [`${SRC}&viraljs=1`, SRC]) {
    const v = visit(t, { src });
    const set = t.mock.method(v.original, "src", () => {}, { setter: true });
    deliver(v.island, v.original);
    const given = set.mock.calls.map((call) => call.arguments[0]);
    assert.deepEqual(given, src === SRC ? [] : [SRC]);
  }
});

test("what is behind the mark is not: the bundle has the name and the record the URL that its page knows", async (t) => {
  const v = visit(t, { src: "file:///app.js?viraljs=1&v=1" });
  const record = await v.finish();
  assert.equal(record.url, SRC);
  assert.deepEqual(await bytesOf(v.ran[0]), Buffer.from(v.bundle.bytes));
});

test("the way to the server is measured by the URL that was asked, mark and all", async (t) => {
  const src = `${SRC}&viraljs=1`;
  const v = visit(t, { src });
  const names = [];
  performance.getEntriesByName = (name) => {
    names.push(name);
    return [];
  };
  await v.finish();
  assert.deepEqual(names, [src]);
});

test("a bundle whose element was given a turn runs in that one, and says when it is over", async (t) => {
  const v = visit(t);
  const page = thePage();
  let release = () => {};
  const before = new Promise((resolve) => {
    release = resolve;
  });
  page.turns.set(v.original, { before });
  const over = v.finish();
  page.turns.get(v.original).ended.then(() => v.order.push("over"));
  for (let turn = 0; turn < 40; turn++) await flush();
  assert.deepEqual(v.order, ["probed"], "received, and waiting");
  release();
  await over;
  assert.deepEqual([...v.order].sort(), ["load", "over", "probed", "run"]);
});

test("the bundle sees the page's own element, without our mark", async (t) => {
  const seen = [];
  const v = visit(t, {
    src: `${SRC}&viraljs=1`,
    code: ({ currentScript }) => seen.push([currentScript, currentScript.src]),
  });
  await v.finish();
  assert.deepEqual(seen, [[v.original, SRC]]);
});

test("a bundle that writes into the document is not to be tried again: record and report say so, with the page", async (t) => {
  const told = t.mock.method(console, "error", () => {});
  const v = visit(t, { code: (document) => document.write("<p>") });
  const record = await v.finish();
  assert.deepEqual(v.order, ["probed", "run", "load"], "it ran, once");
  assert.deepEqual(v.document.written, []);
  assert.equal(told.mock.callCount(), 1);
  assert.deepEqual([record.source, record.reason], ["peers", "document-write"]);
  assert.deepEqual(
    v.events.map(([name]) => name),
    ["fallback", "delivered"],
  );
  const [[, report]] = v.beacons;
  assert.deepEqual([report.reason, report.page], ["document-write", "/page"]);
  assert.equal(v.written(BREAKER), undefined, "no failure of this browser's");
});

test("the first reason is the one that counts", async (t) => {
  t.mock.method(console, "error", () => {});
  const v = visit(t, { signaling: false, code: (document) => document.write("<p>") });
  assert.equal((await v.finish()).reason, "signaling");
  assert.deepEqual(
    v.events.map(([name]) => name),
    ["fallback", "delivered"],
  );
});

test("a deferred script behind a bundle waits until it has run, and has its load event", async (t) => {
  const v = visit(t, { readyState: "interactive" });
  const tags = [v.original, new FakeScript({ src: "file:///later.js" })];
  for (const tag of tags) {
    tag.started = true;
    for (const name of ["data-viraljs", "defer"]) tag.setAttribute(name, "");
    v.document.documentElement.append(tag);
  }
  tags[1].addEventListener("load", () => v.order.push("later's load"));
  const over = v.finish();
  assert.equal(tags[1].isConnected, false, "held at once");
  v.document.dispatchEvent(new Event("DOMContentLoaded"));
  await over;
  await flush();
  assert.deepEqual(v.order, ["probed", "run", "load", "run", "later's load"]);
  assert.equal(v.ran[1].loadedFrom, "file:///later.js");
});

test("where the plain bytes' own path is barred, by a policy or a proxy, the bundle's own URL gives them", async (t) => {
  const path = "/viraljs/direct/mark/app.js?v=1";
  const loads = ({ loadedFrom }) => !loadedFrom.startsWith("blob:") && !loadedFrom.includes("/direct/");
  const v = visit(t, { loads, fields: { direct: path } });
  const record = await v.finish();
  assert.deepEqual(v.order.slice(-4), ["refused", "refused", "run", "load"]);
  assert.deepEqual(
    v.ran.map(({ loadedFrom }) => loadedFrom),
    [DIRECT],
  );
  assert.equal(record.source, "server");
});

test("where nothing gives the bundle, the original has an error event, as without us", async (t) => {
  const loads = ({ loadedFrom }) => !/viraljs=direct/.test(loadedFrom);
  const v = visit(t, { signaling: false, direct: () => new Response("", { status: 503 }), loads });
  const record = await v.finish();
  assert.deepEqual(v.order.slice(-2), ["refused", "error"]);
  assert.deepEqual(v.ran, []);
  assert.equal(record, undefined, "a bundle that never ran is no delivery");
  assert.deepEqual(v.beacons, []);
  assert.equal(v.written(BREAKER), undefined);
  assert.ok(v.events.every(([name]) => name !== "delivered"));
});

test("a page that lets nothing of ours run at all is told of, and its browser left alone", async (t) => {
  const v = visit(t, { loads: () => false });
  const record = await v.finish();
  assert.deepEqual(v.order.slice(-2), ["refused", "error"]);
  assert.equal(record, undefined);
  assert.deepEqual(
    v.beacons.map(([, { reason, page, bytesFromServer }]) => [reason, page, bytesFromServer]),
    [["blocked", "/page", 0]],
  );
  assert.match(v.written(BREAKER), /^999;/);
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

// Modules -----------------------------------------------------------------------------------------------

/** A visit whose bundle is a module; `link` stands for what links it. */
function visitModule(t, link, options = {}) {
  const { fields, ...more } = options;
  const v = visit(t, { src: `${SRC}&viraljs=module`, fields: { module: {}, ...fields }, ...more });
  thePage().modules = Promise.resolve({ link });
  return v;
}

/** Links to an address where there is something, and counts how often its deliveries are told of. */
function linker() {
  const told = [];
  const url = URL.createObjectURL(new Blob(["linked"]));
  return { told, url, link: async () => ({ url, settle: () => told.push(true) }) };
}

test("a module runs from where it was linked, and its tag is that of a module", async (t) => {
  const { link, told, url } = linker();
  const v = visitModule(t, link);
  assert.equal(await v.finish(), undefined, "the linker tells of all deliveries");
  assert.deepEqual([v.original.type, v.original.src], ["module", SRC]);
  assert.deepEqual(
    v.ran.map(({ loadedFrom }) => loadedFrom),
    [url],
  );
  assert.deepEqual(v.order, ["probed", "run", "load"]);
  assert.deepEqual(told, [true]);
  assert.deepEqual([v.window.ViralJS.linked, v.window.viraljsNative], [1, undefined]);
});

test("one that can't be linked runs from its own URL, and all others of the page do so too", async (t) => {
  const v = visitModule(t, () => Promise.reject(new Error("cycle")));
  const record = await v.finish();
  assert.deepEqual([record.reason, record.source, record.bytesFromServer], ["cycle", "server", v.island.size]);
  assert.deepEqual(
    v.ran.map(({ loadedFrom }) => loadedFrom),
    [SRC],
  );
  assert.equal(v.window.viraljsNative, true);
  assert.equal(v.beacons[0][1].reason, "cycle");
});

test("where others run from their own URLs, a linked one does, too", async (t) => {
  const { link, told } = linker();
  const v = visitModule(t, link);
  v.window.viraljsNative = true;
  await v.finish();
  assert.deepEqual(
    v.ran.map(({ loadedFrom }) => loadedFrom),
    [SRC],
  );
  assert.deepEqual(told, []);
});

test("where others have been linked, one that can't be does not run: it would run what they import twice", async (t) => {
  const v = visitModule(t, () => Promise.reject(new Error("cycle")));
  thePage().linked = true;
  assert.equal(await v.finish(), undefined);
  assert.deepEqual(v.ran, []);
  assert.deepEqual(v.order, ["probed", "error"]);
});

test("the record of the addition behind a module that ran from its own URL is the only one, with the reason", async (t) => {
  const v = visitModule(t, () => Promise.reject(new Error("cycle")), {
    code: () => thePage().deliveries.push({ url: SRC, reason: null, source: "server" }),
  });
  assert.deepEqual(await v.finish(), { url: SRC, reason: "cycle", source: "server" });
});

test("one without a ticket, which peers do not deliver, runs and is not told of", async (t) => {
  for (const link of [linker().link, () => Promise.reject(new Error("imports"))]) {
    const v = visitModule(t, link, { fields: { ticket: undefined, breaker: undefined } });
    assert.equal(await v.finish(), undefined);
    assert.equal(v.ran.length, 1);
    assert.deepEqual(v.beacons, []);
  }
});
