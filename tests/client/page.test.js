import assert from "node:assert/strict";
import test from "node:test";
import { newRecord, thePage } from "../../viraljs/client/page.js";
import { trust } from "../../viraljs/client/trust.js";
import { CLIENT, FakeScript, fakeClock, fakePage, fakeSockets, flush, SRC } from "./support.js";

const CONSENT = "viraljs_consent";
const WELCOME = { type: "welcome", peer: "p", heartbeat: 30, slots: 2 };

// Loaded here, so that the page, which loads it when it is needed, gets it without a wait.
await import("../../viraljs/client/seeder.js");

/** A page, and what it does when a bundle has run. */
function begin(t, browser) {
  const clock = fakeClock(t);
  const sockets = fakeSockets(t);
  const { document, events, window } = fakePage(t, browser);
  const page = thePage(browser?.runDependents);
  const island = { ...CLIENT, digest: "1".repeat(64), proof: "proof", consent: false, consentCookie: CONSENT };
  /** Let what was put off until the page is idle begin. */
  const settle = () => clock.advance(0).then(flush);
  return {
    document,
    events,
    island,
    page,
    settle,
    sockets,
    window,
    /** A bundle came, ran, and can be seeded. */
    async seed(changes = {}, early = false) {
      const record = newRecord("/app.js", island.digest);
      page.begin({ ...island, ...changes });
      page.finish(record);
      page.seed({ ...island, ...changes }, SRC, async () => ({ blob: new Blob(["bundle"]) }), record, early);
      await settle();
      return record;
    },
    up: () => sockets.filter(({ readyState }) => readyState < 3).length,
  };
}

test("a page has one object, whoever asks first", (t) => {
  const { page, window } = begin(t);
  assert.equal(window.ViralJS, page);
  assert.equal(thePage(), page);
});

test("an object that another version has made is the page's, and gets what this version has beyond it", (t) => {
  const { window } = fakePage(t);
  const named = Object.keys(thePage());
  for (const lacking of named.filter((name) => !["turns", "last"].includes(name))) {
    const { window } = fakePage(t);
    const ours = thePage();
    const other = Object.fromEntries(named.filter((name) => name !== lacking).map((name) => [name, `its ${name}`]));
    fakePage(t).window.ViralJS = other;
    assert.equal(thePage(), other);
    assert.equal(typeof Object.getOwnPropertyDescriptor(other, lacking).value, typeof ours[lacking]);
    delete other[lacking];
    assert.ok(Object.entries(other).every(([name, value]) => value === `its ${name}`));
    assert.notEqual(window.ViralJS, other);
  }
  assert.ok(window.ViralJS.begin);
});

test("where another version tells dependents when to run, this one does not", async (t) => {
  const { window } = fakePage(t, { readyState: "loading" });
  window.ViralJS = { turns: new WeakMap(), last() {} };
  t.mock.method(Document.prototype, "querySelector", () => assert.fail("looked for dependents"));
  thePage();
  window.dispatchEvent(new Event("DOMContentLoaded"));
  await flush();
});

test("a record has all the fields of the public face", () => {
  assert.deepEqual(newRecord("/app.js", "1"), {
    url: "/app.js",
    digest: "1",
    source: "server",
    bytesFromPeers: 0,
    bytesFromServer: 0,
    bytesFromCache: 0,
    milliseconds: 0,
    peers: 0,
    reason: null,
    uploads: [],
  });
});

test("a bundle that has run is in the deliveries, and an event tells of it", (t) => {
  const { events, island, page } = begin(t);
  const record = newRecord("/app.js", "1");
  page.begin(island);
  assert.deepEqual(page.deliveries, []);
  page.finish(record);
  assert.deepEqual(page.deliveries, [record]);
  assert.deepEqual(events, [["delivered", record]]);
});

test("ready waits for all bundles that are on their way, and gives their records", async (t) => {
  const { island, page } = begin(t);
  const seen = [];
  const turns = [page.begin(island), page.begin(island)];
  page.ready.then((records) => seen.push(records.length));
  turns[0].done();
  page.finish(newRecord("/one.js", "1"));
  await flush();
  assert.deepEqual(seen, []);
  turns[1].done();
  page.finish(newRecord("/two.js", "2"));
  await flush();
  assert.deepEqual(seen, [2]);
});

test("ready waits for the page to be parsed: more bundles may come of it", async (t) => {
  const { document, page, window } = begin(t, { readyState: "loading" });
  let ready = false;
  page.ready.then(() => {
    ready = true;
  });
  await flush();
  assert.equal(ready, false);
  document.readyState = "interactive";
  window.dispatchEvent(new Event("DOMContentLoaded"));
  await flush();
  assert.equal(ready, true);
});

test("bundles have their turn in the order in which they began, also after one that did not wait for its own", async (t) => {
  const { island, page } = begin(t);
  const order = [];
  const [first, second, third] = [1, 2, 3].map((name) => {
    const turn = page.begin(island);
    turn.before.then(() => order.push(name));
    return turn;
  });
  await flush();
  assert.deepEqual(order, [1]);
  second.done();
  await flush();
  assert.deepEqual(order, [1]);
  first.done();
  await flush();
  assert.deepEqual(order, [1, 2, 3]);
  third.done();
});

test("a turn is over when it is done, and not before", async (t) => {
  const { island, page } = begin(t);
  let ended = false;
  const turn = page.begin(island);
  turn.ended.then(() => {
    ended = true;
  });
  await flush();
  assert.equal(ended, false);
  turn.done();
  await flush();
  assert.equal(ended, true);
});

test("a bundle whose element was given a turn begins that one: what it waits for stays, and none waits for it", async (t) => {
  const { island, page } = begin(t);
  const [element, other] = [new FakeScript(), new FakeScript()];
  const given = page.begin(island);
  const seen = [];
  const before = new Promise((resolve) => {
    given.release = resolve;
  });
  page.turns.set(element, { before });
  const turn = page.begin(island, element);
  assert.equal(turn.before, before);
  assert.equal(page.turns.get(element), turn, "whoever gave it can see when it is over");
  const next = page.begin(island, other);
  next.before.then(() => seen.push("next"));
  turn.before.then(() => seen.push("given"));
  given.done();
  await flush();
  assert.deepEqual(seen, ["next"]);
  given.release();
  await flush();
  assert.deepEqual(seen, ["next", "given"]);
});

test("a bundle's turn is kept by its element, and waits for those that began before", async (t) => {
  const { island, page } = begin(t);
  const element = new FakeScript({});
  const first = page.begin(island);
  const turn = page.begin(island, element);
  assert.equal(page.turns.get(element), turn);
  let begun = false;
  turn.before.then(() => {
    begun = true;
  });
  await flush();
  assert.equal(begun, false);
  first.done();
  await flush();
  assert.equal(begun, true);
});

test("an async one has no turn: it waits for none, and none waits for it", async (t) => {
  const { island, page } = begin(t);
  page.begin(island);
  const waited = [];
  page.begin(island, new FakeScript({ async: "" })).before.then(() => waited.push("async"));
  await flush();
  assert.deepEqual(waited, ["async"]);
  const other = begin(t);
  other.page.begin(other.island, new FakeScript({ async: "" }));
  other.page.begin(other.island, new FakeScript({})).before.then(() => waited.push("deferred"));
  await flush();
  assert.deepEqual(waited, ["async", "deferred"]);
});

test("what is last has come when all have ended that had begun", async (t) => {
  const { island, page } = begin(t);
  const turns = [page.begin(island), page.begin(island)];
  let last = false;
  page.last().then(() => {
    last = true;
  });
  page.begin(island);
  turns[1].done();
  await flush();
  assert.equal(last, false);
  turns[0].done();
  await flush();
  assert.equal(last, true);
});

test("one that will never run is no delivery, and holds up none", async (t) => {
  const { events, island, page } = begin(t);
  page.begin(island).done();
  let records = null;
  page.ready.then((all) => {
    records = all;
  });
  page.finish();
  await flush();
  assert.deepEqual([records, events], [[], []]);
});

test("all clients of a page share its one policy", (t) => {
  assert.equal(begin(t).page.trust, trust);
});

test("dependents wait for all bundles and the end of parsing", async (t) => {
  let looked = 0;
  const runDependents = () => looked++;
  const { document, island, page, window } = begin(t, { readyState: "loading", runDependents });
  for (const url of ["/one.js", "/two.js"]) {
    page.begin(island).done();
    page.finish(newRecord(url, "1"));
  }
  await flush();
  assert.equal(looked, 0);
  document.readyState = "interactive";
  window.dispatchEvent(new Event("DOMContentLoaded"));
  await flush();
  assert.equal(looked, 1);
});

test("a page seeds what ran, and says so when the server knows", async (t) => {
  const { events, seed, sockets } = begin(t);
  const record = await seed();
  assert.equal(sockets.length, 1);
  assert.match(sockets[0].url, /\/viraljs\/socket\?ticket=$/);
  assert.deepEqual(
    events.map(([type]) => type),
    ["delivered"],
  );
  sockets[0].accept();
  sockets[0].tell(WELCOME);
  assert.deepEqual(events[1], ["seeding", record]);
});

test("seeding begins when the page has loaded, never before", async (t) => {
  const { document, seed, settle, sockets, window } = begin(t, { readyState: "interactive" });
  await seed();
  assert.equal(sockets.length, 0);
  document.readyState = "complete";
  window.dispatchEvent(new Event("load"));
  await settle();
  assert.equal(sockets.length, 1);
});

test("a page that is prerendered seeds when it is looked at, never before", async (t) => {
  const { document, seed, settle, sockets } = begin(t);
  document.prerendering = true;
  await seed();
  assert.equal(sockets.length, 0);
  document.prerendering = false;
  document.dispatchEvent(new Event("prerenderingchange"));
  await settle();
  assert.equal(sockets.length, 1);
});

test("where others wait for what is still coming, seeding begins at once", async (t) => {
  const { seed, sockets } = begin(t, { readyState: "interactive" });
  await seed({}, true);
  assert.equal(sockets.length, 1);
});

test("two bundles of one server share a line", async (t) => {
  const { seed, sockets } = begin(t);
  await seed();
  await seed({ digest: "2".repeat(64) });
  assert.equal(sockets.length, 1);
  sockets[0].accept();
  sockets[0].tell(WELCOME);
  assert.deepEqual(
    sockets[0].sent.map(({ digest }) => digest[0]),
    ["1", "2"],
  );
});

test("a bundle that can't be read back is not seeded, and nothing breaks", async (t) => {
  t.mock.method(console, "debug", () => {});
  const { island, page, settle, sockets } = begin(t);
  page.seed(island, SRC, () => Promise.reject(new TypeError("not cached")), newRecord("/app.js", "1"));
  await settle();
  assert.equal(sockets.length, 0);
});

test("a browser without WebRTC seeds nothing", async (t) => {
  const { seed, sockets } = begin(t, { webrtc: null });
  await seed();
  assert.equal(sockets.length, 0);
});

test("a visitor who saves data seeds nothing", async (t) => {
  const { seed, sockets } = begin(t, { saveData: true });
  await seed();
  assert.equal(sockets.length, 0);
});

test("pause closes the line, resume opens it anew", async (t) => {
  const { page, seed, sockets, up } = begin(t);
  await seed();
  page.pause();
  assert.equal(up(), 0);
  page.resume();
  assert.equal(up(), 1);
  assert.equal(sockets.length, 2);
});

test("a page that is left closes its line; one that comes back from the cache opens it", async (t) => {
  const { page, seed, up, window } = begin(t);
  await seed();
  window.dispatchEvent(new Event("pagehide"));
  assert.equal(up(), 0);
  page.resume();
  assert.equal(up(), 0, "resume does not bring a page back that is away");
  window.dispatchEvent(new Event("pageshow"));
  assert.equal(up(), 1);
});

test("a page that was paused before it was left stays paused when it comes back", async (t) => {
  const { page, seed, up, window } = begin(t);
  await seed();
  page.pause();
  window.dispatchEvent(new Event("pagehide"));
  window.dispatchEvent(new Event("pageshow"));
  assert.equal(up(), 0);
});

test("where consent is needed, nothing is seeded before it is given", async (t) => {
  const { document, events, page, seed, up } = begin(t);
  await seed({ consent: true });
  await seed({ consent: true, digest: "2".repeat(64) });
  assert.equal(up(), 0);
  assert.ok(events.every(([type]) => type !== "seeding"));
  page.consent(true);
  assert.equal(up(), 1);
  assert.match(document.cookie, new RegExp(`^${CONSENT}=1; path=/; max-age=31536000;`));
});

test("consent that was given on an earlier visit counts; consent that was refused does too", async (t) => {
  const given = begin(t, { cookie: `${CONSENT}=1` });
  await given.seed({ consent: true });
  assert.equal(given.up(), 1);
  const refused = begin(t, { cookie: `${CONSENT}=0` });
  await refused.seed({ consent: false });
  assert.equal(refused.up(), 0);
});

test("consent that is taken back ends the seeding, and is kept", async (t) => {
  const { document, page, seed, up } = begin(t);
  await seed();
  assert.equal(up(), 1);
  page.consent(false);
  assert.equal(up(), 0);
  assert.match(document.cookie, new RegExp(`^${CONSENT}=0;`));
});
