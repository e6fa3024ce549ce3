import assert from "node:assert/strict";
import test from "node:test";
import { moments } from "../../viraljs/client/moments.js";
import { holdLater } from "../../viraljs/client/order.js";
import { newRecord, thePage } from "../../viraljs/client/page.js";
import * as runner from "../../viraljs/client/run.js";
import { CLIENT, FakeScript, FakeTrusted, fakeStart, flush } from "./support.js";

const ISLAND = { ...CLIENT, digest: "1".repeat(64), consent: false, consentCookie: "consent" };
const DEFERRED = { defer: "" };
const BUNDLE = "/bundle.js";
const RUNNER = Promise.resolve(runner);

/**
 * A page whose first script is a bundle that has just begun; its deferred scripts run at this moment.
 *
 * @param {object} page
 * @param {Record<string, object>} [page.tags] of the scripts behind it: by their URLs, what more they have
 * @param {string[]} [page.thin] those of them whose thin response has come
 * @param {object} [page.bundle] attributes of the first script
 * @param {string} [page.readyState]
 * @param {"parsing" | "interactive" | "complete"} [page.state]
 * @param {Promise<object>} [page.runner]
 */
function begin(t, how = {}) {
  const { tags = {}, thin = [], bundle = DEFERRED, readyState = "interactive", state = "parsing" } = how;
  const { runner: loading = RUNNER } = how;
  const start = fakeStart(t, state);
  start.document.readyState = readyState;
  const known = new Set(thin);
  let described = "thin";
  performance.getEntriesByName = (name) =>
    known.has(name)
      ? [{}, { serverTiming: [{ name: "db" }, { name: "viraljs", description: described }] }]
      : [{ serverTiming: [{ name: "db" }] }];
  const make = ({ text, ...attributes }) => {
    const script = new FakeScript(
      Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined)),
    );
    if (text) script.text = text;
    start.document.documentElement.append(script);
    return script;
  };
  const original = make({ ...bundle, src: BUNDLE });
  const scripts = Object.fromEntries(
    Object.entries(tags).map(([src, more]) => [src, make({ ...DEFERRED, src, ...more })]),
  );
  const tree = () => [...start.document.documentElement.children].filter((node) => !node.hidden);
  const before = tree();
  /** What was started by now, in order. */
  const started = [];
  start.document.inserted = (script) => started.push(script);
  const events = [];
  for (const [src, script] of Object.entries(scripts)) {
    for (const type of ["load", "error"]) script.addEventListener(type, () => events.push(`${src} ${type}`));
  }
  const page = thePage();
  const turn = page.begin(ISLAND, original);
  moments().holdParsed(turn.ended);
  holdLater(page, ISLAND, original, loading);
  return {
    ...start,
    before,
    tree,
    events,
    original,
    page,
    scripts,
    turn,
    /** By name: the URLs of those that the browser does not run when it comes to them. */
    held: () => Object.keys(scripts).filter((src) => scripts[src].ownerDocument !== start.document),
    /** The responses of these turn out to be thin. */
    learn(...urls) {
      for (const url of urls) known.add(url);
    },
    /** What their headers say of them. */
    describe(words) {
      described = words;
    },
    started: () => started.map(({ src }) => src),
    /** The script that was started last. */
    last: () => started.at(-1),
    /** The browser has run what was started last for this URL; its code is a thin client's, if one is given. */
    async run(src, { type = "load", thinClient } = {}) {
      const script = started.findLast((one) => one.src === src);
      if (thinClient) start.document.execute(script, thinClient);
      script.end(type);
      await flush();
    },
    /** The bundle has run. */
    async finish() {
      turn.done();
      page.finish(newRecord(BUNDLE, ISLAND.digest));
      await flush();
    },
    async parse() {
      start.reach.interactive();
      await flush();
    },
  };
}

test("scripts behind a bundle belong to another document when their time comes, and so do not run", (t) => {
  const page = begin(t, { tags: { "/a.js": {}, "/b.js": {} } });
  assert.deepEqual(page.held(), ["/a.js", "/b.js"]);
  assert.deepEqual(page.started(), []);
});

for (const [what, attributes] of [
  ["that are async", { async: "" }],
  ["that have run already, because they are not deferred", { defer: undefined }],
  ["without a URL", { src: undefined }],
  ["for old browsers, which would never load", { nomodule: "" }],
  ["of other types, which would never load", { type: "text/viral" }],
  ["that a consent manager has put off", { type: "javascript/blocked" }],
  ["whose type has parameters, which browsers don't run", { type: "text/javascript; charset=utf-8" }],
]) {
  test(`scripts are left alone ${what}`, (t) => {
    const kept = Object.entries({ ...DEFERRED, src: "/a.js", ...attributes }).filter(
      ([, value]) => value !== undefined,
    );
    const start = fakeStart(t, "parsing");
    const [original, script] = [new FakeScript({ ...DEFERRED, src: BUNDLE }), new FakeScript(Object.fromEntries(kept))];
    for (const one of [original, script]) start.document.documentElement.append(one);
    const page = thePage();
    page.begin(ISLAND, original);
    holdLater(page, ISLAND, original, RUNNER);
    assert.equal(script.ownerDocument, start.document);
    assert.deepEqual(start.document.documentElement.children, [original, script]);
  });
}

for (const type of ["", "module", "text/javascript", "application/ecmascript"]) {
  test(`scripts of the type "${type}" are held`, (t) => {
    assert.deepEqual(begin(t, { tags: { "/a.js": { type } } }).held(), ["/a.js"]);
  });
}

test("scripts before the bundle are left alone", (t) => {
  const start = fakeStart(t, "parsing");
  const [earlier, original] = ["/a.js", BUNDLE].map((src) => new FakeScript({ ...DEFERRED, src }));
  for (const one of [earlier, original]) start.document.documentElement.append(one);
  const page = thePage();
  page.begin(ISLAND, original);
  holdLater(page, ISLAND, original, RUNNER);
  assert.equal(earlier.ownerDocument, start.document);
});

test("bundles whose Server-Timing says that they are thin are left alone: these wait by themselves", (t) => {
  assert.deepEqual(begin(t, { tags: { "/thin.js": {}, "/b.js": {} }, thin: ["/thin.js"] }).held(), ["/b.js"]);
});

test("tags that viral_script has marked are left alone, however far they are: their answers wait by themselves", (t) => {
  const tags = { "/b.js?viraljs=behind": {}, "/m.js?v=1&viraljs=module#x": {}, "/c.js?viraljs=script": {} };
  assert.deepEqual(begin(t, { tags }).held(), ["/c.js?viraljs=script"]);
});

test("where the page has removed the bundle's tag, nobody knows what is behind it", (t) => {
  const start = fakeStart(t, "parsing");
  start.document.readyState = "interactive";
  performance.getEntriesByName = () => [];
  const other = new FakeScript({ ...DEFERRED, src: "/other.js" });
  start.document.documentElement.append(other);
  const original = new FakeScript({ ...DEFERRED, src: BUNDLE });
  const page = thePage();
  page.begin(ISLAND, original);
  holdLater(page, ISLAND, original, RUNNER);
  assert.equal(other.ownerDocument, start.document);
});

for (const [what, how] of [
  ["while the page is still parsed", { readyState: "loading" }],
  ["when deferred scripts have run", { state: "interactive" }],
  ["when the page has loaded", { readyState: "complete" }],
  ["for an async bundle", { bundle: { ...DEFERRED, async: "" } }],
  ["for a bundle that is not deferred", { bundle: {} }],
]) {
  test(`nothing is held ${what}`, async (t) => {
    const page = begin(t, { tags: { "/a.js": {} }, ...how });
    assert.deepEqual(page.held(), []);
    let ready = false;
    page.reach.complete();
    page.page.ready.then(() => {
      ready = true;
    });
    await page.finish();
    assert.equal(ready, true, "and nothing is waited for");
    assert.deepEqual(page.started(), []);
  });
}

test("a bundle with none to hold behind it lets the next begin when it has run, before DOMContentLoaded", async (t) => {
  const page = begin(t, { tags: { "/a.js": { async: "" } } });
  let begun = false;
  page.page.begin(ISLAND).before.then(() => {
    begun = true;
  });
  await page.finish();
  assert.equal(begun, true);
});

test("at DOMContentLoaded they are where they were, and nothing else of ours is left", async (t) => {
  const page = begin(t, { tags: { "/a.js": {}, "/b.js": { async: "" }, "/c.js": {} } });
  assert.notDeepEqual(page.tree(), page.before);
  await page.parse();
  assert.deepEqual(page.tree(), page.before);
  assert.deepEqual(page.held(), []);
});

test("they run after DOMContentLoaded and the bundle, whichever is later", async (t) => {
  const first = begin(t, { tags: { "/a.js": {} } });
  await first.finish();
  assert.deepEqual(first.started(), [], "the bundle has run");
  await first.parse();
  assert.deepEqual(first.started(), ["/a.js"]);
  const second = begin(t, { tags: { "/a.js": {} } });
  await second.parse();
  assert.deepEqual(second.started(), [], "the page is parsed");
  await second.finish();
  assert.deepEqual(second.started(), ["/a.js"]);
});

test("they run one after another, and each has its event before the next starts", async (t) => {
  const page = begin(t, { tags: { "/a.js": {}, "/b.js": {}, "/c.js": {} } });
  await page.parse();
  await page.finish();
  assert.deepEqual([page.started(), page.events], [["/a.js"], []]);
  await page.run("/a.js");
  assert.deepEqual([page.started(), page.events], [["/a.js", "/b.js"], ["/a.js load"]]);
  await page.run("/b.js");
  await page.run("/c.js");
  assert.deepEqual(page.events, ["/a.js load", "/b.js load", "/c.js load"]);
});

test("DOMContentLoaded is heard after all of them, and load after that", async (t) => {
  const page = begin(t, { tags: { "/a.js": {}, "/b.js": {} } });
  page.document.addEventListener("DOMContentLoaded", () => page.events.push("DOMContentLoaded"));
  await page.parse();
  await page.finish();
  await page.run("/a.js");
  assert.deepEqual([page.events, page.document.loadIsHeld], [["/a.js load"], true]);
  await page.run("/b.js");
  assert.deepEqual(page.events, ["/a.js load", "/b.js load", "DOMContentLoaded"]);
  assert.equal(page.document.loadIsHeld, false);
});

test("one that the page wrote with a digest runs under that digest only", async (t) => {
  const page = begin(t, { tags: { "/a.js": { integrity: "sha256-x" } } });
  await page.parse();
  await page.finish();
  assert.deepEqual([page.last().src, page.last().integrity], ["/a.js", "sha256-x"]);
});

// Inline modules -----------------------------------------------------------------------------------------

const INLINE = { type: "module", src: undefined, defer: undefined, text: 'import "./a.js"' };

/** A held inline module between two others, when its turn has come. */
async function reachInline(t, how) {
  const page = begin(t, { tags: { "/a.js": {}, inline: INLINE, "/b.js": {} }, ...how });
  const held = page.held();
  await page.parse();
  await page.finish();
  await page.run("/a.js");
  return { ...page, held };
}

test("an inline module is held, and runs in its turn; the next one waits until it has run", async (t) => {
  const { held, last, run, started, tree, before } = await reachInline(t);
  assert.deepEqual(held, ["/a.js", "inline", "/b.js"]);
  const [first, inline, behind, ...more] = started();
  assert.deepEqual([first, inline, /^blob:/.test(behind), more], ["/a.js", "", true, []]);
  // It says nothing when it has run. One that waits for it does.
  await run("");
  assert.equal(started().length, 3);
  assert.deepEqual([last().type, last().async], ["module", false], "in line behind it");
  await run(behind);
  assert.deepEqual(started().slice(3), ["/b.js"]);
  assert.deepEqual(tree(), before);
});

test("it is the page's own text, as a module in line, once", async (t) => {
  const page = begin(t, { tags: { inline: { ...INLINE, "data-key": "7" } } });
  const scripts = [];
  page.document.inserted = (script) => scripts.push(script);
  await page.parse();
  await page.finish();
  assert.deepEqual(
    scripts.map(({ text, type, async, src }) => [text, type, async, src.slice(0, 5)]),
    [
      [INLINE.text, "module", false, ""],
      ["", "module", false, "blob:"],
    ],
  );
  assert.equal(scripts[0].getAttribute("data-key"), "7");
});

test("where a blocker lets no blob run, and says nothing, the next one waits no longer than some seconds", async (t) => {
  const { lose, started } = await reachInline(t);
  assert.equal(started().length, 3);
  lose();
  await flush();
  assert.deepEqual(started().slice(3), ["/b.js"]);
});

test("one that fails before its turn lets nothing run before the bundle, nor waits for ever", async (t) => {
  const page = begin(t, { tags: { "/b.js?viraljs=behind": {}, "/c.js": {} } });
  page.scripts["/b.js?viraljs=behind"].dispatchEvent(new Event("error"));
  await page.parse();
  assert.deepEqual(page.started(), []);
  await page.finish();
  assert.deepEqual(page.started(), ["/c.js"]);
});

test("one that failed before anybody listened is not waited for once its turn has passed", async (t) => {
  const page = begin(t, { tags: { "/b.js?viraljs=behind": {}, "/c.js": {} } });
  await page.finish();
  assert.deepEqual(page.started(), []);
  await page.parse();
  assert.deepEqual(page.started(), ["/c.js"]);
});

test("where the page lets no blob run, the next one does not wait for it", async (t) => {
  const { run, started } = await reachInline(t);
  await run(started()[2], { type: "error" });
  assert.deepEqual(started().slice(3), ["/b.js"]);
});

test("its text and its URLs are what the page's policy trusts", async (t) => {
  const page = begin(t, { tags: { inline: INLINE } });
  const made = [];
  page.document.trustedOnly = true;
  page.page.trust = (text, kind = "createScriptURL") => {
    made.push(kind);
    return new FakeTrusted(text);
  };
  await page.parse();
  await page.finish();
  assert.deepEqual([made, page.started().length], [["createScript", "createScriptURL"], 2]);
});

test("where the policy takes nothing of ours, those behind it are tried all the same, and the page has its events", async (t) => {
  t.mock.method(console, "debug", () => {});
  t.mock.method(console, "error", () => {});
  const page = begin(t, { tags: { inline: INLINE, "/b.js": {} } });
  page.document.addEventListener("DOMContentLoaded", () => page.events.push("DOMContentLoaded"));
  page.document.trustedOnly = true;
  page.page.trust = (text) => text;
  await page.parse();
  await page.finish();
  assert.deepEqual(page.events, ["/b.js error", "DOMContentLoaded"]);
});

test("where what runs them fails, the page has its events all the same", async (t) => {
  t.mock.method(console, "debug", () => {});
  const runner = Promise.resolve({
    run() {
      throw new Error("on purpose");
    },
  });
  const page = begin(t, { tags: { "/a.js": {}, "/b.js": {} }, runner });
  page.document.addEventListener("DOMContentLoaded", () => page.events.push("DOMContentLoaded"));
  let ready = false;
  page.page.ready.then(() => {
    ready = true;
  });
  await page.parse();
  await page.finish();
  assert.deepEqual([page.events.at(-1), ready, page.document.loadIsHeld], ["DOMContentLoaded", true, false]);
});

// Failures -----------------------------------------------------------------------------------------------

test("one that can't be loaded has its error event, and holds up none", async (t) => {
  const page = begin(t, { tags: { "/a.js": {}, "/b.js": {} } });
  await page.parse();
  await page.finish();
  await page.run("/a.js", { type: "error" });
  assert.deepEqual([page.started(), page.events], [["/a.js", "/b.js"], ["/a.js error"]]);
});

test("what the browser says of one before its turn, that it can't be loaded, is not heard", async (t) => {
  const page = begin(t, { tags: { "/a.js": {} } });
  page.scripts["/a.js"].dispatchEvent(new Event("error"));
  await page.parse();
  page.scripts["/a.js"].dispatchEvent(new Event("error"));
  assert.deepEqual(page.events, []);
  await page.finish();
  await page.run("/a.js", { type: "error" });
  assert.deepEqual(page.events, ["/a.js error"]);
});

test("one sees its own element while it runs, and its errors have its own name", async (t) => {
  const page = begin(t, { tags: { "/a.js": {} } });
  await page.parse();
  await page.finish();
  let seen = null;
  const names = [];
  page.window.onerror = (_message, name) => names.push(name);
  await page.run("/a.js", {
    thinClient() {
      seen = page.document.currentScript;
      page.window.dispatchEvent(new ErrorEvent("error", { filename: "/a.js", cancelable: true }));
    },
  });
  assert.equal(seen, page.scripts["/a.js"]);
  assert.deepEqual(names, ["/a.js"]);
});

test("they are loaded by URLs that the page's policy trusts", async (t) => {
  const page = begin(t, { tags: { "/a.js": {} } });
  page.document.trustedOnly = true;
  page.page.trust = (url) => new FakeTrusted(url);
  await page.parse();
  await page.finish();
  assert.deepEqual(page.started(), ["/a.js"]);
});

test("a bundle behind them has its turn after them, and the page is ready after them", async (t) => {
  const page = begin(t, { tags: { "/a.js": {}, "/b.js": {} } });
  const seen = [];
  const turn = page.page.begin(ISLAND);
  turn.before.then(() => seen.push("turn"));
  turn.done();
  page.page.finish();
  page.page.ready.then(() => seen.push("ready"));
  await page.parse();
  await page.finish();
  await page.run("/a.js");
  assert.deepEqual(seen, []);
  await page.run("/b.js");
  assert.deepEqual(seen.sort(), ["ready", "turn"]);
});

/** What a thin one is asked for when its client that came first is gone: nobody waits for the page as a seeder. */
const again = (src) => `${src}?viraljs=alone`;

/** The client of a thin response among those that were held, as far as order goes. */
function thinClient(page, src) {
  const client = { element: null, turn: null, before: false };
  return Object.assign(client, {
    run() {
      client.element = page.document.currentScript;
      client.turn = page.page.begin(ISLAND, client.element);
      holdLater(page.page, ISLAND, client.element, RUNNER);
      client.turn.before.then(() => {
        client.before = true;
      });
    },
    async end() {
      client.turn.done();
      page.scripts[src].dispatchEvent(new Event("load"));
      page.page.finish(newRecord(src, ISLAND.digest));
      await flush();
    },
  });
}

test("a thin one among them starts at once, has its turn after those before it, and those behind wait for it", async (t) => {
  const page = begin(t, { tags: { "/a.js": {}, "/thin.js": {}, "/b.js": {} } });
  page.learn("/thin.js");
  await page.parse();
  assert.deepEqual(page.started(), [again("/thin.js")], "at once");
  const client = thinClient(page, "/thin.js");
  await page.run(again("/thin.js"), { thinClient: client.run });
  assert.equal(client.element, page.scripts["/thin.js"]);
  await page.finish();
  assert.deepEqual([page.started(), client.before], [[again("/thin.js"), "/a.js"], false]);
  await page.run("/a.js");
  assert.equal(client.before, true);
  assert.deepEqual(page.events, ["/a.js load"], "its event is its client's to give");
  assert.deepEqual(page.started(), [again("/thin.js"), "/a.js"]);
  await client.end();
  assert.deepEqual(page.started(), [again("/thin.js"), "/a.js", "/b.js"]);
  await page.run("/b.js");
  assert.deepEqual(page.events, ["/a.js load", "/thin.js load", "/b.js load"]);
});

test("one whose client is gone that others are sent to says so, by the name that the server gave", async (t) => {
  const page = begin(t, { tags: { "/thin.js": {} } });
  page.learn("/thin.js");
  page.describe("alone~recipient");
  await page.parse();
  assert.deepEqual(page.started(), ["/thin.js?viraljs=alone~recipient"]);
});

test("thin ones that load at the same time have each its own element and turn, whichever comes first", async (t) => {
  for (const order of [
    ["/1.js", "/2.js"],
    ["/2.js", "/1.js"],
  ]) {
    const page = begin(t, { tags: { "/1.js": {}, "/2.js": {} } });
    page.learn("/1.js", "/2.js");
    await page.parse();
    const clients = Object.fromEntries(order.map((src) => [src, thinClient(page, src)]));
    for (const src of order) await page.run(again(src), { thinClient: clients[src].run });
    for (const src of order) assert.equal(clients[src].element, page.scripts[src]);
    await page.finish();
    assert.deepEqual([clients["/1.js"].before, clients["/2.js"].before], [true, false]);
    await clients["/1.js"].end();
    assert.equal(clients["/2.js"].before, true);
    await clients["/2.js"].end();
    assert.deepEqual(page.events, ["/1.js load", "/2.js load"]);
  }
});

test("what waits for one is not held a second time by a thin one among them: it runs once", async (t) => {
  const page = begin(t, { tags: { "/thin.js": {}, "/b.js": {} } });
  page.learn("/thin.js");
  await page.parse();
  const client = thinClient(page, "/thin.js");
  await page.run(again("/thin.js"), { thinClient: client.run });
  assert.deepEqual(page.held(), []);
  let ready = false;
  page.page.ready.then(() => {
    ready = true;
  });
  await page.finish();
  await client.end();
  await page.run("/b.js");
  assert.deepEqual(
    [page.started(), page.events, ready],
    [[again("/thin.js"), "/b.js"], ["/thin.js load", "/b.js load"], true],
  );
});

test("a thin one that can't be loaded has its error event, and holds up none", async (t) => {
  const page = begin(t, { tags: { "/thin.js": {}, "/b.js": {} } });
  page.learn("/thin.js");
  await page.parse();
  await page.run(again("/thin.js"), { type: "error" });
  await page.finish();
  assert.deepEqual([page.started(), page.events], [[again("/thin.js"), "/b.js"], ["/thin.js error"]]);
});
