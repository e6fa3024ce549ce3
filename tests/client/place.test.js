import assert from "node:assert/strict";
import { resolveObjectURL } from "node:buffer";
import test from "node:test";
import { runInThisContext } from "node:vm";
import { holdLoad, mayRun, runInPlace, runPlainly, SILENCE_MS, standIn } from "../../viraljs/client/place.js";
import { FakeScript, FakeTrusted, fakeClock, fakePage, fakeRequests } from "./support.js";

const SRC = "https://a.example/app.js";
const DIRECT = `${SRC}?viraljs=direct`;
const same = (text) => text;

/**
 * A page whose scripts with a source the test executes by hand; `inserted` are those that were put into it.
 *
 * @param {object} [how]
 * @param {Record<string, string>} [how.tag] what the original has beside its address
 * @param {boolean} [how.inline] whether the page lets inline scripts run
 * @param {() => [status: number, text: string]} [how.answer] what the server says to a synchronous request
 */
function begin(t, { tag, inline = true, answer = () => [200, "bundle()"], readyState } = {}) {
  const debug = t.mock.method(console, "debug", () => {});
  const clock = fakeClock(t);
  const page = fakePage(t, { readyState });
  const { document } = page;
  const inserted = [];
  const texts = [];
  document.inserted = (script) => {
    inserted.push(script);
    if (!script.text || !inline) return;
    texts.push(script.text);
    document.execute(script, () => runInThisContext(script.text));
  };
  const original = new FakeScript({ src: SRC, ...tag });
  original.started = true;
  document.documentElement.append(original);
  return { ...page, clock, debug, inserted, original, requested: fakeRequests(t, answer), texts };
}

/** Let the script be loaded that was put into the page last, after it has run. */
function end({ document, inserted }, type, code = () => {}) {
  if (type === "load") document.execute(inserted.at(-1), code);
  inserted.at(-1).end(type);
}

// Its element -------------------------------------------------------------------------------------------

test("document.currentScript is the page's own element while another script runs in its place, and the browser's own afterwards", (t) => {
  const { document, original } = begin(t);
  const script = new FakeScript();
  const { end, isRunning } = standIn(script, original);
  assert.deepEqual([document.currentScript, isRunning()], [null, false], "not before");
  document.execute(script, () => assert.deepEqual([document.currentScript, isRunning()], [original, true]));
  assert.deepEqual([document.currentScript, isRunning()], [null, false]);
  assert.equal(Object.hasOwn(document, "currentScript"), true);
  end();
  assert.equal(Object.hasOwn(document, "currentScript"), false);
});

test("another script that runs in between sees itself", (t) => {
  const { document, original } = begin(t);
  const [script, other] = [new FakeScript(), new FakeScript()];
  const { isRunning } = standIn(script, original);
  document.execute(other, () => assert.deepEqual([document.currentScript, isRunning()], [other, false]));
  document.execute(script, () => {
    document.execute(other, () => assert.equal(document.currentScript, other, "put in by the script"));
    assert.equal(document.currentScript, original);
  });
});

test("scripts that load at the same time see each its own element, in whichever order they end", (t) => {
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    const { document } = begin(t);
    const pairs = [1, 2].map(() => [new FakeScript(), new FakeScript()]);
    const ends = pairs.map((pair) => standIn(...pair).end);
    for (const at of order) {
      const [script, original] = pairs[at];
      document.execute(script, () => assert.equal(document.currentScript, original));
      ends[at]();
    }
    assert.equal(Object.hasOwn(document, "currentScript"), false);
  }
});

test("what another script put over document.currentScript meanwhile survives", (t) => {
  const { document, original } = begin(t);
  const { end } = standIn(new FakeScript(), original);
  Object.defineProperty(document, "currentScript", { configurable: true, get: () => "theirs" });
  end();
  assert.equal(document.currentScript, "theirs");
});

// The original's event -----------------------------------------------------------------------------------

test("the original's load event is held back until it is given", (t) => {
  const { document, original } = begin(t);
  const calls = [];
  original.addEventListener("load", () => calls.push("load"));
  original.addEventListener("error", () => calls.push("error"));
  let stopped = 0;
  const event = (target) => {
    const load = new Event("load");
    Object.defineProperty(load, "target", { value: target });
    load.stopImmediatePropagation = () => stopped++;
    return load;
  };
  const give = holdLoad(original);
  document.dispatchEvent(event(original));
  assert.equal(stopped, 1);
  document.dispatchEvent(event(document));
  assert.equal(stopped, 1, "others' are not held");
  give("load");
  assert.deepEqual(calls, ["load"]);
  document.dispatchEvent(event(original));
  assert.equal(stopped, 1, "nor any later one");
});

test("a script that ran while the original did, before the browser could say so, has the browser's own event only", (t) => {
  const { document, original } = begin(t);
  const calls = [];
  original.addEventListener("load", () => calls.push("load"));
  const give = document.execute(original, () => holdLoad(original));
  give("load");
  assert.deepEqual(calls, []);
  original.end("load");
  assert.deepEqual(calls, ["load"]);
});

test("the load event of an element that the page has removed is held back, too", (t) => {
  const { original } = begin(t);
  const calls = [];
  const give = holdLoad(original);
  original.addEventListener("load", () => calls.push("load"));
  original.end("load");
  assert.deepEqual(calls, []);
  give("load");
  assert.deepEqual(calls, ["load"]);
});

// Whether it may run -------------------------------------------------------------------------------------

test("a policy that lets blobs run is found out with an empty one, which leaves nothing behind", async (t) => {
  const page = begin(t);
  page.original.setAttribute("integrity", "sha256-x");
  page.original.nonce = "secret";
  const before = [...page.document.all()];
  const found = mayRun(page.original, same);
  const [script] = page.inserted;
  const { size, type } = resolveObjectURL(script.src);
  assert.deepEqual([size, type], [0, "text/javascript"]);
  assert.deepEqual([script.integrity, script.nonce], ["", "secret"]);
  script.end("load");
  assert.equal(await found, true);
  assert.deepEqual([...page.document.all()], before);
  assert.equal(resolveObjectURL(script.src), undefined, "its URL is revoked");
});

test("a refusal by CSP, which is an error event, is found out", async (t) => {
  const page = begin(t);
  const found = mayRun(page.original, same);
  page.inserted[0].end("error");
  assert.equal(await found, false);
  assert.equal(resolveObjectURL(page.inserted[0].src), undefined, "its URL is revoked");
});

test("a refusal by Trusted Types, which is an exception, is found out", async (t) => {
  const page = begin(t);
  page.document.trustedOnly = true;
  const urls = [];
  const found = mayRun(page.original, (url) => {
    urls.push(url);
    return url;
  });
  assert.equal(await found, false);
  assert.deepEqual([page.inserted, urls.length], [[], 1]);
  assert.equal(resolveObjectURL(urls[0]), undefined, "its URL is revoked");
});

test("a blocker that lets no script of ours say anything is found out, and nothing runs any more", async (t) => {
  const page = begin(t);
  let found;
  mayRun(page.original, same).then((may) => {
    found = may;
  });
  await page.clock.advance(SILENCE_MS);
  assert.equal(found, undefined);
  await page.clock.advance(SILENCE_MS);
  assert.equal(found, null);
  assert.notEqual(page.inserted[0].ownerDocument, page.document);
});

test("where Trusted Types let our policy's URLs run, that is found out", async (t) => {
  const page = begin(t);
  page.document.trustedOnly = true;
  const found = mayRun(page.original, (url) => new FakeTrusted(url));
  page.inserted[0].end("load");
  assert.equal(await found, true);
});

// Plainly ------------------------------------------------------------------------------------------------

test("a script runs plainly in place of the original, like it, from any URL, and sees its element", async (t) => {
  const page = begin(t, { tag: { integrity: "sha256-x", "data-key": "7" } });
  page.original.nonce = "secret";
  const running = runPlainly(page.original, "blob:1");
  const [script] = page.inserted;
  assert.deepEqual([script.src, script.integrity, script.nonce], ["blob:1", "", "secret"]);
  assert.equal(script.getAttribute("data-key"), "7");
  end(page, "load", () => assert.equal(page.document.currentScript, page.original));
  assert.deepEqual(await running, { ran: true, wrote: false });
  assert.equal(Object.hasOwn(page.document, "currentScript"), false);
});

test("one that is refused did not run", async (t) => {
  const page = begin(t);
  const running = runPlainly(page.original, "blob:1");
  end(page, "error");
  assert.deepEqual(await running, { ran: false, wrote: false });
});

test("where the page's policy takes no URL of ours, it did not run, and nothing of ours stays", async (t) => {
  const page = begin(t);
  page.document.trustedOnly = true;
  assert.deepEqual(await runPlainly(page.original, "blob:1"), { ran: false, wrote: false });
  assert.deepEqual(page.inserted, []);
  assert.equal(Object.hasOwn(page.document, "currentScript"), false);
});

// In place -----------------------------------------------------------------------------------------------

/** A page whose parser waits for the original, and puts what that writes behind it. */
function parse(t, how) {
  const page = begin(t, { readyState: "loading", ...how });
  page.document.waits = page.document.documentElement;
  return page;
}

/** What the server sent, and what came before it to find out whether it may run. */
const inPlace = ["document.currentScript.viraljs=1", `bundle()\n//# sourceURL=${SRC}`];

/** A bundle of one function, which notes its element. */
function bundle({ document }) {
  const seen = [];
  globalThis.bundle = () => seen.push(document.currentScript);
  return seen;
}
test.after(() => delete globalThis.bundle);

test("while the page is parsed, the parser gets a tag like the original's, with the direct URL", (t) => {
  const tag = { integrity: "sha256-x", "data-key": 'a "b" & c', onload: "init()", nonce: "" };
  const page = parse(t, { tag });
  page.original.nonce = "secret";
  runInPlace(page.original, DIRECT, same);
  assert.equal(page.inserted.length, 1);
  assert.deepEqual(
    page.inserted[0].attributes.map(({ name, value }) => [name, value]),
    [
      ["integrity", "sha256-x"],
      ["data-key", 'a "b" & c'],
      ["nonce", "secret"],
      ["src", DIRECT],
    ],
  );
  assert.deepEqual(page.requested, []);
});

test("what the parser runs sees the original, runs once, and is gone before: who looks for its own tag finds one", async (t) => {
  const page = parse(t);
  const before = [...page.document.all()];
  const running = runInPlace(page.original, DIRECT, same);
  assert.equal(page.inserted.length, 1);
  assert.deepEqual([...page.document.all()], before);
  end(page, "load", () => assert.equal(page.document.currentScript, page.original));
  assert.equal(await running, true);
  assert.deepEqual([...page.document.all()], before);
  assert.equal(Object.hasOwn(page.document, "currentScript"), false);
  assert.deepEqual([page.inserted.length, page.requested], [1, []]);
});

test("what the parser runs is known among scripts that stand behind it already", async (t) => {
  const page = parse(t);
  const { documentElement } = page.document;
  const other = new FakeScript({ src: "/other.js" });
  other.onload = () => {};
  const { onload } = other;
  const append = documentElement.append.bind(documentElement);
  append(other);
  // The parser is in an element that ends before it.
  documentElement.append = (script) => {
    other.remove();
    append(script);
    append(other);
  };
  const running = runInPlace(page.original, DIRECT, same);
  const written = page.inserted.at(-1);
  assert.equal(written.src, DIRECT);
  page.document.execute(written, () => assert.equal(page.document.currentScript, page.original));
  written.end("load");
  assert.equal(await running, true);
  assert.deepEqual([other.onload, other.isConnected, written.isConnected], [onload, true, false]);
});

test("what the parser can't load is fetched, before the parser goes on", async (t) => {
  const page = parse(t);
  const seen = bundle(page);
  const before = [...page.document.all()];
  const running = runInPlace(page.original, DIRECT, same);
  assert.deepEqual(page.requested, []);
  end(page, "error");
  assert.equal(await running, true);
  assert.deepEqual([page.requested, seen, page.texts], [[DIRECT], [page.original], inPlace]);
  assert.deepEqual([...page.document.all()], before);
});

for (const [where, prepare] of [
  [
    "where no parser waits, though the page is being parsed",
    ({ document }) => Object.assign(document, { waits: null }),
  ],
  ["after the page was parsed", ({ document }) => Object.assign(document, { readyState: "interactive" })],
  [
    "in XHTML, where nothing can be written",
    (_, t) =>
      t.mock.method(Document.prototype, "write", () => {
        throw new DOMException("XML", "InvalidStateError");
      }),
  ],
]) {
  test(`${where}, a script is fetched and runs at once, once, under its own name`, async (t) => {
    const page = parse(t);
    const seen = bundle(page);
    prepare(page, t);
    const before = [...page.document.all()];
    const others = [];
    setImmediate(() => others.push("another task"));
    assert.equal(await runInPlace(page.original, DIRECT, same), true);
    assert.deepEqual([seen, page.requested, others], [[page.original], [DIRECT], []]);
    assert.deepEqual(page.texts, inPlace);
    assert.deepEqual([...page.document.all()], before);
    assert.deepEqual([Object.hasOwn(page.document, "currentScript"), "viraljs" in page.original], [false, false]);
  });
}

test("an SVG's script, which has no `src`, is fetched: the parser would take what it writes for an SVG's, too", async (t) => {
  const page = parse(t);
  const seen = bundle(page);
  const original = Object.assign(new FakeScript({ href: "/app.js" }), { started: true });
  Object.defineProperty(original, "src", { value: undefined });
  const running = runInPlace(original, DIRECT, same);
  assert.deepEqual(page.document.written, []);
  assert.equal(await running, true);
  assert.deepEqual([page.requested, seen], [[DIRECT], [original]]);
});

test("where the page lets no inline scripts run, the text is not even tried", async (t) => {
  const page = begin(t, { inline: false });
  const before = [...page.document.all()];
  assert.equal(await runInPlace(page.original, DIRECT, same), false);
  assert.deepEqual(
    page.inserted.map(({ text }) => text),
    inPlace.slice(0, 1),
  );
  assert.deepEqual([...page.document.all()], before);
  assert.equal("viraljs" in page.original, false);
});

test("what is no bundle does not run, and nothing is left on the element", async (t) => {
  for (const status of [0, 404, 503]) {
    const page = begin(t, { answer: () => [status, "sorry()"] });
    assert.equal(await runInPlace(page.original, DIRECT, same), false);
    assert.deepEqual(page.texts, inPlace.slice(0, 1), `${status}`);
    assert.equal("viraljs" in page.original, false);
  }
});

test("a server that can't be reached is told in the console only", async (t) => {
  const error = new DOMException("A network error occurred.", "NetworkError");
  const page = begin(t, {
    answer() {
      throw error;
    },
  });
  assert.equal(await runInPlace(page.original, DIRECT, same), false);
  assert.deepEqual(page.texts, []);
  assert.equal(page.debug.mock.calls.at(-1).arguments[0], error);
});

test("under Trusted Types, each text is made fit for what it is: URL, tag, code", async (t) => {
  const made = [];
  const trust = (text, kind = "createScriptURL") => {
    made.push(kind);
    return new FakeTrusted(text);
  };
  const page = parse(t);
  const seen = bundle(page);
  page.document.trustedOnly = true;
  const running = runInPlace(page.original, DIRECT, trust);
  end(page, "error");
  assert.equal(await running, true);
  assert.deepEqual(made, ["createScriptURL", "createHTML", "createScript", "createScript"]);
  assert.deepEqual(seen, [page.original]);
});

test("where Trusted Types take nothing of ours, nothing runs, and nothing of ours stays", async (t) => {
  const page = parse(t);
  page.document.trustedOnly = true;
  assert.equal(await runInPlace(page.original, DIRECT, same), false);
  assert.deepEqual([page.inserted, page.document.written], [[], []]);
  assert.equal(Object.hasOwn(page.document, "currentScript"), false);
});
