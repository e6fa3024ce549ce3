import assert from "node:assert/strict";
import { resolveObjectURL } from "node:buffer";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname } from "node:path";
import test from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { runInThisContext } from "node:vm";
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
  fakeRequests,
  fakeSockets,
  flush,
  makeBundle,
  patch,
  storeOf,
  until,
} from "./support.js";

// Loaded here, so that the page, which loads them when they are needed, gets them without a wait.
await import("../../viraljs/client/receive.js");
await import("../../viraljs/client/run.js");
await import("../../viraljs/client/seeder.js");

const SRC = "file:///app.js?v=1";
const DIRECT = "file:///app.js?v=1&viraljs=direct";
const BREAKER = "viraljs_failures";
const DEADLINE = 1500;
/** Where a test is content with a text for the bundle. */
const CODE = "the bundle's text";
/** In place of the client's folder: one where there is nothing but what runs a bundle. */
const ONLY_RUN = "client/run.js?only=";
await import("../../viraljs/client/run.js?only=/run.js");

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
 * @param {(script: FakeScript) => boolean | null} [how.loads] whether the browser runs a script that is put into the page;
 *   null where it says nothing of it
 * @param {string[]} [how.seeders] those whom the ticket names
 * @param {string[]} [how.lying] those of them that give wrong bytes
 * @param {boolean} [how.signaling] whether the server introduces anyone
 * @param {(range?: string) => Response} [how.direct] the direct URL, if not the bundle
 * @param {Uint8Array} [how.kept] what an earlier visit has kept under the bundle's name
 * @param {object} [how.fields] of the island
 * @param {(document: object) => void} [how.code] what the bundle does
 * @param {string} [how.src] what the page's element has
 * @param {Record<string, string>} [how.tag] what more it has
 * @param {(url: string) => [status: number, text: string]} [how.request] what a synchronous request is answered
 */
function visit(t, { loads = () => true, seeders = ["a"], lying = [], signaling = true, direct, ...more } = {}) {
  const {
    code = () => {},
    kept,
    fields,
    src = SRC,
    tag = { defer: "" },
    request = () => [200, CODE],
    ...browser
  } = more;
  t.mock.method(console, "debug", () => {});
  const clock = fakeClock(t);
  const connections = fakeConnections(t);
  const sockets = fakeSockets(t);
  const bundle = makeBundle({ size: 1050 });
  const page = fakePage(t, browser);
  page.document.baseURI = "file:///page";
  const timing = { domInteractive: 50 };
  performance.getEntriesByType = () => [timing];
  const requested = fakeRequests(t, request);
  patch(t, { crypto: CRYPTO });
  const digest = toHex(sha256Sync(bundle.bytes));
  /** Cookies that were written, in order; of what is read, they change nothing. */
  const written = [];
  const cookie = browser.cookie ?? (kept ? `kept=${digest.slice(0, 8)}` : "");
  Object.defineProperty(page.document, "cookie", {
    configurable: true,
    get: () => cookie,
    set: (text) => written.push(text),
  });
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

  const original = new FakeScript({ src, ...tag });
  const order = [];
  /** What was run, in order: URL and code of each script. */
  const ran = [];
  /** As browsers do: an inline script runs as it comes into the page. */
  function runText(script) {
    if (!loads(script)) return;
    const isBundle = script.text.startsWith(CODE);
    if (isBundle) {
      order.push("run");
      ran.push({ src: "", text: script.text });
    }
    page.document.execute(script, () => (isBundle ? code(page.document) : runInThisContext(script.text)));
  }
  page.document.inserted = (script) => {
    if (script.text) return runText(script);
    const { src } = script;
    const blob = src.startsWith("blob:") ? resolveObjectURL(src) : null;
    // An empty one finds out what the page allows.
    const probes = blob?.size === 0;
    const does = loads(script);
    const fate = does === null ? "silent" : "refused";
    order.push(...(probes ? ["probed"] : []), ...(does ? [] : [fate]), ...(does && !probes ? ["run"] : []));
    if (does && !probes) ran.push({ src, blob });
    if (does === null) return;
    setImmediate(() => {
      if (does && !probes) page.document.execute(script, () => code(page.document));
      script.end(does ? "load" : "error");
    });
  };
  for (const type of ["load", "error"]) original.addEventListener(type, () => order.push(type));

  /** Let all happen that belongs to a delivery. */
  async function settle(delivering) {
    let over = false;
    delivering.then(() => {
      over = true;
    });
    for (let turn = 0; turn < 20; turn++) await flush();
    for (const connection of connections) connection.find("candidate:1");
    for (let turn = 0; turn < 50 && !over; turn++) await clock.advance(100);
    assert.equal(over, true, "the delivery ends");
  }

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
    requested,
    settle,
    sockets,
    stored,
    /** What was written last under a name. */
    written: (name) => written.findLast((text) => text.startsWith(`${name}=`))?.slice(name.length + 1),
    /** The page is parsed, and what is deferred has run. */
    parse() {
      timing.domContentLoadedEventStart = 100;
      page.document.dispatchEvent(new Event("DOMContentLoaded", { bubbles: true }));
    },
    /** Let the delivery come to its end; gives its record, if there is one. */
    async finish(element = original) {
      await settle(deliver(island, element));
      const { deliveries = [] } = page.window.ViralJS ?? {};
      assert.ok(deliveries.length <= 1);
      return deliveries[0];
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
  const v = visit(t, { kept: bytes, fields: { client: ONLY_RUN } });
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
    v.ran.map(({ src }) => src),
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
  assert.deepEqual(v.ran, [{ src: DIRECT, blob: null }]);
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
    v.ran.map(({ src }) => src),
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
    for (const name of ["first", "second"]) deliver(v.island, new FakeScript({ src: `${SRC}&${name}`, defer: "" }));
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

const noBlobs = ({ src }) => !src.startsWith("blob:");

test("a policy that refuses blob: scripts is found out before any bytes are asked for, and the direct URL runs", async (t) => {
  const v = visit(t, { loads: noBlobs });
  const record = await v.finish();
  assert.deepEqual(v.order, ["probed", "refused", "run", "load"]);
  assert.equal(v.ran[0].src, DIRECT);
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
  const v = visit(t, { loads: ({ src }) => !resolveObjectURL(src)?.size });
  const record = await v.finish();
  assert.deepEqual(v.order, ["probed", "refused", "run", "load"]);
  assert.equal(v.ran[0].src, DIRECT);
  assert.deepEqual(summary(record), {
    source: "server",
    bytesFromPeers: 1050,
    bytesFromServer: 1050,
    peers: 1,
    reason: "silent",
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
    v.ran.map(({ src }) => src),
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

for (const [marked, plain] of [
  [`${SRC}&viraljs=1`, SRC],
  ["app.js?v=1&viraljs=behind", "app.js?v=1"],
  ["../app.js?viraljs=1#x", "../app.js#x"],
]) {
  test(`our mark is taken off the tag at once, which else stays as the page wrote it: ${marked}`, (t) => {
    const v = visit(t, { src: marked });
    deliver(v.island, v.original);
    assert.equal(v.original.getAttribute("src"), plain);
  });
}

test("a URL without our mark is not touched", (t) => {
  const v = visit(t);
  const set = t.mock.method(v.original, "setAttribute");
  deliver(v.island, v.original);
  assert.equal(set.mock.callCount(), 0);
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
  assert.deepEqual([...new Set(names)], [src]);
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
  const tags = [v.original, new FakeScript({ src: "file:///later.js", defer: "" })];
  for (const tag of tags) {
    tag.started = true;
    v.document.documentElement.append(tag);
  }
  tags[1].addEventListener("load", () => v.order.push("later's load"));
  const over = v.finish();
  assert.equal(tags[1].isConnected, false, "held at once");
  v.parse();
  await over;
  await flush();
  assert.deepEqual(v.order, ["probed", "run", "load", "run", "later's load"]);
  assert.equal(v.ran[1].src, "file:///later.js");
});

test("where the plain bytes' own path is barred, by a policy or a proxy, the bundle's own URL gives them", async (t) => {
  const path = "/viraljs/direct/mark/app.js?v=1";
  const loads = ({ src }) => !src.startsWith("blob:") && !src.includes("/direct/");
  const v = visit(t, { loads, fields: { direct: path } });
  const record = await v.finish();
  assert.deepEqual(v.order.slice(-4), ["refused", "refused", "run", "load"]);
  assert.deepEqual(
    v.ran.map(({ src }) => src),
    [DIRECT],
  );
  assert.equal(record.source, "server");
});

test("where nothing gives the bundle, the original has an error event, as without us", async (t) => {
  const loads = ({ src }) => !/viraljs=direct/.test(src);
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
    assert.equal(v.ran[0].src, DIRECT);
    assert.deepEqual([v.fetched.length, v.connections.length, v.sockets.length], [0, 0, 0]);
    assert.equal(v.written(BREAKER), undefined, "nothing was tried, so nothing failed");
  });
}

test("a thin client that was evaluated by hand, without an element, still brings the bundle", async (t) => {
  const v = visit(t);
  const record = await v.finish(null);
  assert.equal(record.source, "peers");
  assert.equal(v.ran.length, 1);
});

test("the first look into the storage is spared where the cookie tells of no such bundle", async (t) => {
  for (const [cookie, cookieEnabled, source] of [
    ["kept=01234567", true, "peers"],
    ["kept=01234567", false, "cache"],
  ]) {
    const v = visit(t, { kept: makeBundle({ size: 1050 }).bytes, cookie });
    v.navigator.cookieEnabled = cookieEnabled;
    t.mock.method(caches, "match");
    assert.equal((await v.finish()).source, source);
    assert.equal(caches.match.mock.callCount() > 0, source === "cache");
  }
});

test("one answer for two tags: the first has the delivery, the second the plain bytes, and each runs once", async (t) => {
  const v = visit(t);
  await v.settle(deliver(v.island, v.original));
  await v.settle(deliver(v.island, new FakeScript({ src: SRC, defer: "" })));
  const [first, second] = v.window.ViralJS.deliveries;
  assert.deepEqual([first.reason, second.reason], [null, "again"]);
  assert.equal(v.ran.length, 2);
  assert.equal(v.ran[1].src, DIRECT);
  assert.equal(v.beacons.length, 1, "a ticket is reported once");
});

test("an error whose message is one of our words by chance tells the server nothing of a page or a browser", async (t) => {
  for (const message of ["blocked", "blocking", "document-write"]) {
    const v = visitModule(t, () => Promise.reject(new Error(message)));
    assert.equal((await v.finish()).reason, "error");
    assert.equal(v.beacons[0][1].reason, "error");
    assert.match(v.written(BREAKER), /^1;/);
  }
});

// What the page waits for --------------------------------------------------------------------------------

/** A visit whose parser waits for the bundle's tag, which has come and runs. */
function visitBlocking(t, how) {
  const v = visit(t, { tag: {}, readyState: "loading", ...how });
  v.original.started = true;
  v.document.documentElement.append(v.original);
  v.document.waits = v.document.documentElement;
  return Object.assign(v, {
    /** The thin client's own script ends; the browser says that it has loaded. */
    async begin() {
      const delivering = v.document.execute(v.original, () => deliver(v.island, v.original));
      for (let turn = 0; turn < 20; turn++) await null;
      v.original.end("load");
      await v.settle(delivering);
      return v.window.ViralJS.deliveries[0];
    },
  });
}

test("a tag that the parser waits for gets its plain bytes in its place, and page and server are told why", async (t) => {
  const seen = [];
  const v = visitBlocking(t, { code: ({ currentScript }) => seen.push(currentScript) });
  const record = await v.begin();
  assert.deepEqual([v.ran, v.requested, seen], [[{ src: DIRECT, blob: null }], [], [v.original]]);
  assert.deepEqual(summary(record), {
    source: "server",
    bytesFromPeers: 0,
    bytesFromServer: 1050,
    peers: 0,
    reason: "blocking",
  });
  assert.deepEqual(
    v.events.map(([name]) => name),
    ["fallback", "delivered"],
  );
  await until(() => v.beacons.length);
  const [[, report]] = v.beacons;
  assert.deepEqual([v.beacons.length, report.reason, report.page], [1, "blocking", "/page"]);
  assert.equal(v.written(BREAKER), undefined, "no failure of this browser's");
  assert.deepEqual([v.fetched, v.connections], [[], []]);
});

for (const [what, prepare] of [
  ["the parser writes", () => {}],
  ["is fetched", (v) => Object.assign(v.document, { waits: null })],
]) {
  test(`the tag's load event comes once, after what ${what}, and no other script has its turn before it`, async (t) => {
    const v = visitBlocking(t);
    prepare(v);
    await v.begin();
    assert.deepEqual(v.order, ["run", "load"]);
  });
}

test("a deferred tag is waited for while the page is parsed, one that a loader has put in line later on", async (t) => {
  for (const [tag, readyState, reason] of [
    [{ defer: "" }, "loading", "blocking"],
    [{ defer: "" }, "interactive", null],
    [{}, "interactive", "blocking"],
    [{}, "complete", "blocking"],
    [{ async: "" }, "loading", null],
    [{ async: "" }, "complete", null],
  ]) {
    const v = visit(t, { tag, readyState });
    assert.equal((await v.finish()).reason, reason, JSON.stringify([tag, readyState]));
    assert.equal(v.ran.length, 1);
    assert.deepEqual(v.requested, reason ? [DIRECT] : []);
  }
});

test("where a browser hides how far the page is, the plain bytes run in place", async (t) => {
  const v = visitBlocking(t, { tag: { defer: "" }, readyState: "interactive" });
  performance.getEntriesByType = () => [];
  const record = await v.begin();
  assert.deepEqual([record.reason, record.source, record.bytesFromServer], ["no-timing", "server", v.island.size]);
  assert.deepEqual([v.order, v.connections], [["run", "load"], []]);
  assert.equal(v.written(BREAKER), undefined, "no failure of this browser's");
});

test("in a document that a script has begun anew after its load, the plain bytes run in place", async (t) => {
  const v = visitBlocking(t, { tag: { defer: "" }, readyState: "interactive" });
  const before = { domInteractive: 50, domContentLoadedEventStart: 60, loadEventStart: 70 };
  performance.getEntriesByType = () => [before];
  const record = await v.begin();
  assert.deepEqual([record.reason, record.source], ["no-timing", "server"]);
  assert.deepEqual(v.order, ["run", "load"]);
});

const REDIRECTED = "file:///latest.js";
const OWN_PATH = { url: "/app.js?v=1", direct: "/viraljs/direct/mark/app.js?v=1" };

test("a redirect that has lost the word for plain bytes leads to their path, in place and once", async (t) => {
  t.mock.method(console, "error", () => {});
  for (const [tag, readyState] of [
    [{}, "loading"],
    [{ defer: "" }, "interactive"],
    [{ async: "" }, "complete"],
  ]) {
    const v = visit(t, { tag, readyState, fields: OWN_PATH, src: REDIRECTED });
    const loaded = new FakeScript({ src: `${REDIRECTED}?viraljs=direct` });
    let running;
    v.document.execute(loaded, () => {
      running = deliver(v.island, v.original);
    });
    await v.settle(running);
    const urls = [...v.ran.map(({ src }) => src), ...v.requested].filter(Boolean);
    assert.deepEqual([v.ran.length, urls], [1, [new URL(OWN_PATH.direct, SRC).href]]);
  }
});

test("a redirect and a client that fails early: the last resort asks for the plain bytes by their path", async (t) => {
  const v = visit(t, { readyState: "complete", fields: OWN_PATH, src: REDIRECTED });
  thePage().begin = fail;
  await v.settle(deliver(v.island, v.original));
  assert.deepEqual(
    v.ran.map(({ src }) => src),
    [new URL(OWN_PATH.direct, SRC).href],
  );
});

test("what another URL of the site leads to has its plain bytes by its own, in place and for peers", async (t) => {
  for (const [tag, readyState] of [
    [{}, "loading"],
    [{ defer: "" }, "interactive"],
  ]) {
    const v = visit(t, { tag, readyState, fields: OWN_PATH, src: REDIRECTED, signaling: false });
    performance.getEntriesByName = (name) => (name === REDIRECTED ? [{ redirectStart: 5 }] : []);
    const record = await v.finish();
    assert.deepEqual([record.source, record.url, v.ran.length], ["server", REDIRECTED, 1]);
    const asked = [...v.requested, ...v.fetched.map(({ url }) => url).filter((url) => !url.includes("offers"))];
    assert.deepEqual([...new Set(asked)], ["file:///viraljs/direct/mark/app.js?v=1"]);
  }
});

test("a tag that is waited for and that nothing can run for is told of all the same, for the next visit", async (t) => {
  t.mock.method(console, "error", () => {});
  const v = visitBlocking(t, { loads: () => false, request: () => [404, ""] });
  const beginning = v.begin();
  for (let turn = 0; turn < 20; turn++) await flush();
  v.parse();
  await beginning;
  assert.deepEqual(
    v.beacons.map(([, { reason }]) => reason),
    ["blocking"],
  );
});

test("what can't run in its place runs from its direct URL, once, and says the same", async (t) => {
  for (const request of [() => [404, ""], () => assert.fail("no network")]) {
    let tries = 0;
    // Neither the parser's script nor, where it comes to that, an inline one.
    const loads = ({ src }) => src.startsWith(DIRECT) && tries++ > 0;
    const v = visitBlocking(t, { loads, request });
    v.document.addEventListener("DOMContentLoaded", () => v.order.push("DOMContentLoaded"));
    const beginning = v.begin();
    for (let turn = 0; turn < 20; turn++) await null;
    await flush();
    v.parse();
    const record = await beginning;
    assert.deepEqual(v.ran, [{ src: DIRECT, blob: null }]);
    assert.deepEqual([record.reason, record.source, record.bytesFromServer], ["blocking", "server", 1050]);
    assert.deepEqual(v.order, ["refused", "run", "load", "DOMContentLoaded"]);
    assert.deepEqual([v.beacons.length, v.fetched], [1, []]);
  }
});

test("a bundle that is not for peers runs in its place too, and nothing is said of it", async (t) => {
  const v = visitBlocking(t, { fields: { ticket: undefined, pieces: undefined, digest: "" } });
  assert.equal(await v.begin(), undefined);
  assert.deepEqual(v.order, ["run", "load"]);
  assert.deepEqual([v.beacons, v.connections, v.events], [[], [], []]);
});

test("an SVG's script, whose address is elsewhere, is delivered by it", async (t) => {
  const v = visit(t, { tag: {} });
  const svg = Object.assign(new FakeScript({ href: "app.js?v=1" }), { started: true });
  Object.defineProperties(svg, {
    src: { value: undefined },
    async: { value: undefined },
    defer: { value: undefined },
    href: { value: { baseVal: "app.js?v=1" } },
  });
  const record = await v.finish(svg);
  assert.deepEqual([record.url, record.reason, v.requested, v.ran.length], [SRC, "blocking", [DIRECT], 1]);
});

// The page's moments -------------------------------------------------------------------------------------

/** Note what the page hears, in order, beside what the visit notes. */
function listen({ document, order, window }, where) {
  document.addEventListener("DOMContentLoaded", () => order.push(`DOMContentLoaded ${where}`));
  window.addEventListener("DOMContentLoaded", () => order.push(`DOMContentLoaded of the window ${where}`));
}

test("DOMContentLoaded comes after a deferred bundle, once, to listeners above and below it and its own", async (t) => {
  const v = visit(t, {
    readyState: "interactive",
    code: ({ loadIsHeld }) => {
      v.order.push(`load held: ${loadIsHeld}`);
      v.document.addEventListener("DOMContentLoaded", () => v.order.push("its own"));
    },
  });
  listen(v, "above");
  const delivering = deliver(v.island, v.original);
  listen(v, "below");
  v.parse();
  await v.settle(delivering);
  await flush();
  assert.deepEqual(v.order, [
    ...["probed", "run", "load held: true", "load"],
    ...["DOMContentLoaded above", "DOMContentLoaded below", "its own"],
    ...["DOMContentLoaded of the window above", "DOMContentLoaded of the window below"],
  ]);
  assert.equal(v.document.loadIsHeld, false);
});

test("an async bundle holds up neither DOMContentLoaded nor the scripts behind it, but load, as without us", async (t) => {
  const v = visit(t, { readyState: "interactive", tag: { async: "" } });
  const later = Object.assign(new FakeScript({ src: "/later.js", defer: "" }), { started: true });
  v.original.started = true;
  for (const tag of [v.original, later]) v.document.documentElement.append(tag);
  listen(v, "above");
  const delivering = deliver(v.island, v.original);
  assert.deepEqual([later.isConnected, v.document.loadIsHeld], [true, true]);
  v.parse();
  assert.deepEqual(v.order.slice(-2), ["DOMContentLoaded above", "DOMContentLoaded of the window above"]);
  await v.settle(delivering);
  await flush();
  assert.equal(v.document.loadIsHeld, false);
  assert.equal(v.ran.length, 1);
});

// Whatever goes wrong ------------------------------------------------------------------------------------

const fail = () => {
  throw new Error("on purpose");
};

const NEVER = "await new Promise(() => {})";

/** A folder with the client's files, but some of them others: by name, their code; null where there is none. */
async function clientOf(t, files) {
  const folder = mkdtempSync(`${tmpdir()}/viraljs-client-`);
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(`${folder}/package.json`, '{"type": "module"}');
  for (const name of ["run", "receive", "seeder", "module"]) {
    const file = `${folder}/${name}.js`;
    const { [name]: code } = files;
    if (code === undefined)
      symlinkSync(fileURLToPath(new URL(`../../viraljs/client/${name}.js`, import.meta.url)), file);
    else if (code !== null) writeFileSync(file, code);
    // Loaded here, so that it takes no time later.
    const loading = import(pathToFileURL(file)).catch(() => {});
    if (!code?.startsWith("await")) await loading;
  }
  return { base: dirname(folder), client: basename(folder) };
}

/** By what goes wrong: what makes it go wrong on a page, or which files of the client are others. */
const FAULTS = {
  "the page has no place for our object": (_, { window }) =>
    Object.defineProperty(window, "ViralJS", { get: fail, configurable: true }),
  "something of the page's has the name of our object": (_, { window }) => Object.assign(window, { ViralJS: {} }),
  "no turn can be had": () => Object.assign(thePage(), { begin: fail }),
  "nothing can be trusted": () => Object.assign(thePage(), { trust: fail }),
  "the element takes no listeners": (_, { original }) => Object.assign(original, { addEventListener: fail }),
  "the page has no place for the moments": (_, { window }) => Object.preventExtensions(window),
  "the scripts behind can't be found": (_, { document }) => Object.assign(document, { querySelectorAll: fail }),
  "the scripts behind can't be held": (t) => t.mock.method(FakeScript.prototype, "replaceWith", fail),
  "no frame can be made": (t, { document }) =>
    t.mock.method(document, "createElement", (name) => (name === "script" ? new FakeScript() : fail())),
  "no script can be made at first": (t, { document }) =>
    t.mock.method(document, "createElement").mock.mockImplementationOnce(fail, 0),
  "cookies can't be read": (_, { document }) => Object.defineProperty(document, "cookie", { get: fail }),
  "there are no object URLs": (t) => t.mock.method(URL, "createObjectURL", fail),
  "there are no blobs": (t) =>
    patch(t, {
      Blob: class {
        constructor() {
          fail();
        }
      },
    }),
  "timers stand still": (t) => patch(t, { setTimeout: () => 1 }),
  "digests never come": (t) => patch(t, { crypto: { subtle: { digest: () => new Promise(() => {}) } } }),
  "timings can't be read": () => Object.assign(performance, { getEntriesByName: fail }),
  "a report can't be sent": (_, { navigator }) => Object.assign(navigator, { sendBeacon: fail }),
  "the window takes no listeners": (_, { window }) => Object.assign(window, { addEventListener: fail }),
  "connections can't be made": (t) =>
    patch(t, {
      RTCPeerConnection: class {
        constructor() {
          fail();
        }
      },
    }),
  "run.js is not there": { run: null },
  "run.js fails": { run: "throw new Error('on purpose')" },
  "run.js never comes": { run: NEVER },
  "run.js can't run": {
    run: "export const run = () => { throw new Error('on purpose'); }, findKept = async () => null, nameCode = async (blob) => blob, runDependents = async () => {};",
  },
  "run.js is another one": { run: "export {}" },
  "receive.js is not there": { receive: null },
  "receive.js fails": { receive: "throw new Error('on purpose')" },
  "receive.js never comes": { receive: NEVER },
  "receive.js can't receive": { receive: "export const receive = () => { throw new Error('on purpose'); }" },
  "all of the client is gone": { run: null, receive: null, seeder: null },
};

for (const [what, fault] of Object.entries(FAULTS)) {
  test(`whatever goes wrong, the app runs, once, and the page has its events: ${what}`, async (t) => {
    t.mock.method(console, "error", () => {});
    const fields = typeof fault === "function" ? {} : await clientOf(t, fault);
    let runs = 0;
    const heard = [];
    const v = visit(t, { readyState: "interactive", code: () => runs++, fields });
    const later = Object.assign(new FakeScript({ src: "/later.js", defer: "" }), { started: true });
    v.original.started = true;
    for (const tag of [v.original, later]) v.document.documentElement.append(tag);
    v.document.addEventListener("DOMContentLoaded", () => heard.push("DOMContentLoaded"));
    if (typeof fault === "function") fault(t, v);
    const delivering = deliver(v.island, v.original);
    v.parse();
    await v.settle(delivering);
    for (let turn = 0; turn < 10; turn++) await flush();
    // The script behind the bundle is one more, where it was held.
    runs -= v.ran.filter(({ src }) => src.endsWith("/later.js")).length;
    assert.deepEqual([runs, heard, v.document.loadIsHeld], [1, ["DOMContentLoaded"], false]);
  });
}

test("a bundle of which the browser says nothing is put out of action, and runs from its direct URL, once", async (t) => {
  for (const silent of [
    ({ src }) => src.startsWith("blob:"),
    // A blocker that lets an empty one pass.
    ({ src }) => resolveObjectURL(src)?.size > 0,
  ]) {
    const scripts = [];
    const v = visit(t, {
      loads(script) {
        scripts.push(script);
        return silent(script) ? null : true;
      },
    });
    const record = await v.finish();
    assert.deepEqual([record.reason, record.source], ["silent", "server"]);
    assert.deepEqual(
      v.ran.map(({ src }) => src),
      [DIRECT],
    );
    const blobs = scripts.filter(({ src }) => silent({ src }) || src.startsWith("blob:"));
    assert.notEqual(blobs.at(-1).ownerDocument, v.document, "it can't run any more");
    assert.deepEqual(v.order.slice(-2), ["run", "load"]);
  }
});

test("the last resort has the nonce of the tag, and is of its kind", async (t) => {
  for (const [fields, type, url] of [
    [{}, "", DIRECT],
    [{ module: {} }, "module", SRC],
  ]) {
    const v = visit(t, { fields });
    v.original.nonce = "secret";
    thePage().begin = fail;
    const scripts = [];
    v.document.inserted = (script) => scripts.push(script);
    await v.settle(deliver(v.island, v.original));
    assert.deepEqual(
      scripts.map((script) => [script.src, script.nonce, script.type]),
      [[url, "secret", type]],
    );
  }
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
    v.ran.map(({ src }) => src),
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
    v.ran.map(({ src }) => src),
    [SRC],
  );
  assert.equal(v.window.viraljsNative, true);
  assert.equal(v.beacons[0][1].reason, "cycle");
});

/** Put the tag of a module into the page, which has run. */
function addModule({ document }, tag) {
  document.documentElement.append(Object.assign(new FakeScript({ type: "module", ...tag }), { started: true }));
}

test("beside modules whose tags we did not write, it is not even linked", async (t) => {
  const link = t.mock.fn();
  const v = visitModule(t, link);
  addModule(v, { src: "/theirs.js" });
  const record = await v.finish();
  assert.deepEqual([record.reason, v.ran.map(({ src }) => src)], ["native", [SRC]]);
  assert.equal(link.mock.callCount(), 0);
});

test("beside modules whose tags we wrote, it is", async (t) => {
  const { link, told } = linker();
  const v = visitModule(t, link);
  addModule(v, { src: "/ours.js", "data-viraljs": "" });
  await v.finish();
  assert.deepEqual(told, [true]);
});

test("where others run from their own URLs, a linked one does, too", async (t) => {
  const { link, told } = linker();
  const v = visitModule(t, link);
  v.window.viraljsNative = true;
  await v.finish();
  assert.deepEqual(
    v.ran.map(({ src }) => src),
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

test("modules that come without a ticket are linked, each of them", async (t) => {
  const { link, told } = linker();
  const v = visitModule(t, link, { fields: { ticket: undefined, deadline: undefined } });
  await v.settle(deliver(v.island, v.original));
  const other = { ...v.island, url: "/other.js", digest: "2".repeat(64) };
  await v.settle(deliver(other, new FakeScript({ src: "file:///other.js?viraljs=module" })));
  assert.equal(told.length, 2);
  assert.deepEqual([v.window.ViralJS.linked, v.window.viraljsNative], [2, undefined]);
});

test("a client that a cache gives for the plain bytes delivers nothing, also where it runs for the page's tag", async (t) => {
  t.mock.method(console, "error", () => {});
  const v = visit(t);
  const loaded = new FakeScript({ src: DIRECT });
  let running;
  v.document.execute(loaded, () => {
    running = deliver(v.island, v.original);
  });
  await v.settle(running);
  assert.deepEqual(v.ran, []);
  assert.match(console.error.mock.calls[0].arguments[0], /a cache answers .*viraljs=direct/);
});

/** As `run.js`, but it comes no sooner than a test lets it. */
const SLOW = `await globalThis.coming; export * from "${new URL("../../viraljs/client/run.js", import.meta.url)}"`;

test("a bundle that is kept is worth a longer wait for run.js than one that peers give", async (t) => {
  let come = () => {};
  patch(t, {
    coming: new Promise((resolve) => {
      come = resolve;
    }),
  });
  const fields = await clientOf(t, { run: SLOW });
  const v = visit(t, { kept: makeBundle({ size: 1050 }).bytes, fields });
  const delivering = deliver(v.island, v.original);
  await v.clock.advance(1001);
  come();
  // It takes time that the test's clock does not know.
  await import(pathToFileURL(`${fields.base}/${fields.client}/run.js`));
  await v.settle(delivering);
  const [{ source, reason }] = v.window.ViralJS.deliveries;
  assert.deepEqual([source, reason], ["cache", null]);
});

test("where run.js can't be loaded, peers give also what is kept", async (t) => {
  const fields = await clientOf(t, { run: "throw new Error('on purpose')" });
  const record = await visit(t, { kept: makeBundle({ size: 1050 }).bytes, fields }).finish();
  assert.deepEqual([record.source, record.reason], ["peers", null]);
});

test("what links modules is not waited for without end: they run from their own URLs", async (t) => {
  const fields = await clientOf(t, { module: NEVER });
  const v = visit(t, { src: `${SRC}&viraljs=module`, fields: { module: {}, ...fields } });
  const record = await v.finish();
  assert.deepEqual([record.reason, v.ran.map(({ src }) => src)], ["client", [SRC]]);
});

test("where not even the last resort may run, the page hears of an error, and nobody of a rejection", async (t) => {
  const v = visit(t);
  v.document.trustedOnly = true;
  thePage().begin = fail;
  await deliver(v.island, v.original);
  assert.deepEqual([v.ran, v.order], [[], ["error"]]);
});
