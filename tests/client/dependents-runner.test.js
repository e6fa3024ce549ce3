import assert from "node:assert/strict";
import test from "node:test";
import { trust } from "../../viraljs/client/trust.js";
import { FakeScript, FakeTrusted, fakeStart, flush, patch } from "./support.js";

/** What the policy of the page makes of strings. A page makes its policy once, so it is the same in all tests here. */
const policy = { make: (text) => text };

test.before(() => {
  const rule = (kind) => (text) => policy.make(text, kind);
  const createPolicy = (_name, rules) => Object.fromEntries(Object.keys(rules).map((kind) => [kind, rule(kind)]));
  patch({ after() {} }, { window: { trustedTypes: { createPolicy } } });
  trust("");
});

/**
 * A page with dormant scripts, one for each name; a name that ends in .js has a source of its own.
 *
 * @param {Record<string, () => void>} [codes] what they do, by name
 */
async function begin(t, names, codes = {}) {
  const page = fakeStart(t);
  const { document } = page;
  const started = [];
  const nameOf = ({ text, src }) => text || src;
  document.inserted = (script) => {
    started.push(script);
    // As browsers do: an inline script runs as it comes into the page, one with a source when it has come.
    if (script.text) document.execute(script, () => codes[nameOf(script)]?.());
  };
  function add(name) {
    const src = name.endsWith(".js") && { src: name };
    const script = Object.assign(new FakeScript({ type: "text/viral", ...src }), { started: true });
    if (!src) script.text = name;
    document.documentElement.append(script);
    return script;
  }
  const dormant = names.map(add);
  // A module of its own for each test: what it remembers belongs to one page.
  const { runDependents } = await import(`../../viraljs/client/dependents-runner.js?${encodeURIComponent(t.name)}`);
  return {
    ...page,
    add,
    dormant,
    started,
    names: () => started.map(nameOf),
    runDependents,
    /** The source of the one that was started last has come, or could not. */
    async end(type) {
      const script = started.at(-1);
      if (type === "load") document.execute(script, () => codes[nameOf(script)]?.());
      script.end(type);
      await flush();
    },
  };
}

test("scripts that wait run in order, as scripts, with their text, in their own places", async (t) => {
  const { document, dormant, names, runDependents, started } = await begin(t, ["one", "two"]);
  const [one] = dormant;
  one.setAttribute("data-key", "7");
  await runDependents();
  assert.deepEqual(names(), ["one", "two"]);
  assert.ok(started.every(({ type }) => type === ""));
  assert.ok(started[0].attributes.some(({ name }) => name === "data-key"));
  assert.deepEqual(document.documentElement.children, started);
});

test("one with a source is waited for before the next runs", async (t) => {
  const { end, names, runDependents } = await begin(t, ["one.js", "two"]);
  runDependents();
  await flush();
  assert.deepEqual(names(), ["one.js"]);
  await end("load");
  assert.deepEqual(names(), ["one.js", "two"]);
});

test("handlers that the page wrote for one hear of its events", async (t) => {
  const { dormant, end, names, runDependents } = await begin(t, ["one.js", "two"]);
  const heard = [];
  dormant[0].onload = ({ type }) => heard.push(type);
  runDependents();
  await flush();
  await end("load");
  assert.deepEqual([heard, names()], [["load"], ["one.js", "two"]]);
});

test("one that can't be loaded does not keep the next from running", async (t) => {
  const { end, names, runDependents, window } = await begin(t, ["one.js", "two"]);
  runDependents();
  await flush();
  const calls = [];
  window.onload = () => calls.push("load");
  await end("error");
  assert.deepEqual(names(), ["one.js", "two"]);
  assert.deepEqual(calls, [], "and nothing is late for it");
});

test("to be called again while one loads does not start the next before its turn", async (t) => {
  const { end, names, runDependents } = await begin(t, ["one.js", "two"]);
  runDependents();
  await flush();
  runDependents();
  await flush();
  assert.deepEqual(names(), ["one.js"]);
  await end("load");
  assert.deepEqual(names(), ["one.js", "two"]);
});

test("one that a script adds runs too, and later calls run later ones", async (t) => {
  const codes = { one: () => page.add("added") };
  const page = await begin(t, ["one", "two"], codes);
  await page.runDependents();
  assert.deepEqual(page.names(), ["one", "two", "added"]);
  page.add("again");
  await page.runDependents();
  assert.deepEqual(page.names(), ["one", "two", "added", "again"]);
});

for (const name of ["one", "one.js"]) {
  test(`listeners of ${name} for what has passed are called, before the next runs; others' are not`, async (t) => {
    const calls = [];
    const codes = {
      [name]() {
        page.document.addEventListener("DOMContentLoaded", () => calls.push("DOMContentLoaded"));
        page.window.addEventListener("load", () => calls.push("load"));
        page.document.execute(new FakeScript(), () => page.window.addEventListener("load", () => calls.push("theirs")));
        assert.deepEqual(calls, [], "not while it runs");
      },
      two: () => calls.push("two"),
    };
    const page = await begin(t, [name, "two"], codes);
    const over = page.runDependents();
    if (name.endsWith(".js")) await page.end("load");
    await over;
    assert.deepEqual(calls, ["DOMContentLoaded", "load", "two"]);
  });

  test(`what ${name} writes into the document is dropped, with a word in the console; later writes are not`, async (t) => {
    const told = t.mock.method(console, "error", () => {});
    const page = await begin(t, [name], {
      [name]() {
        page.document.write("<p>");
        page.document.writeln("<p>");
      },
    });
    const over = page.runDependents();
    if (name.endsWith(".js")) await page.end("load");
    await over;
    assert.deepEqual([page.document.written, told.mock.callCount()], [[], 2]);
    page.document.write("later");
    assert.deepEqual(page.document.written, [["write", "later"]]);
  });
}

test("what others write while one loads is written", async (t) => {
  const page = await begin(t, ["one.js"]);
  const over = page.runDependents();
  await flush();
  page.document.execute(new FakeScript(), () => page.document.write("theirs"));
  assert.deepEqual(page.document.written, [["write", "theirs"]]);
  await page.end("load");
  await over;
});

test("when all have run, window and document are the browser's own again", async (t) => {
  const page = await begin(t, ["one", "two.js"]);
  const over = page.runDependents();
  await flush();
  await page.end("error");
  await over;
  for (const name of ["addEventListener", "removeEventListener", "write", "writeln", "currentScript"]) {
    assert.ok(!Object.hasOwn(page.document, name) && !Object.hasOwn(page.window, name), name);
  }
});

test("where the page asks for Trusted Types, text and source are made fit for it, each in its way", async (t) => {
  const page = await begin(t, ["one", "two.js"]);
  page.document.trustedOnly = true;
  const kinds = [];
  t.mock.method(policy, "make", (text, kind) => {
    kinds.push([kind, text]);
    return new FakeTrusted(text);
  });
  const over = page.runDependents();
  await flush();
  assert.deepEqual(page.names(), ["one", "two.js"]);
  assert.deepEqual(kinds, [
    ["createScript", "one"],
    ["createScriptURL", "two.js"],
  ]);
  await page.end("load");
  await over;
});

test("where the page takes no text of ours, it does not run, the console tells why, and the next has its turn", async (t) => {
  const told = t.mock.method(console, "error", () => {});
  const page = await begin(t, ["one", "two.js", "three"]);
  page.document.trustedOnly = true;
  await page.runDependents();
  assert.equal(page.document.querySelector('script[type="text/viral"]'), null);
  assert.deepEqual(page.names(), ["", "", ""]);
  assert.equal(told.mock.callCount(), 3);
  assert.ok(told.mock.calls[0].arguments[0] instanceof TypeError);
});
