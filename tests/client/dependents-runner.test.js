import assert from "node:assert/strict";
import test from "node:test";
import { FakeScript, flush, patch } from "./support.js";

/** A document with dormant scripts, one for each name; a name that ends in .js has a source of its own. */
async function begin(t, ...names) {
  const started = [];
  const dormant = names.map((name) => {
    const script = new FakeScript({ type: "text/viral", ...(name.endsWith(".js") && { src: name }) });
    if (!script.src) script.text = name;
    script.replaceWith = (awake) => {
      dormant.splice(dormant.indexOf(script), 1);
      started.push(awake);
    };
    return script;
  });
  patch(t, {
    document: {
      createElement: () => new FakeScript(),
      querySelector: (selector) => (selector === 'script[type="text/viral"]' && dormant[0]) || null,
    },
  });
  // A module of its own for each test: what it remembers belongs to one page.
  const { runDependents } = await import(`../../viraljs/client/dependents-runner.js?${encodeURIComponent(t.name)}`);
  return { dormant, started, names: () => started.map(({ text, src }) => text || src), runDependents };
}

test("scripts that wait run in order, as scripts, with their text", async (t) => {
  const { runDependents, started, names } = await begin(t, "one", "two");
  await runDependents();
  assert.deepEqual(names(), ["one", "two"]);
  assert.ok(started.every(({ type }) => type === ""));
});

test("one with a source is waited for before the next runs", async (t) => {
  const { runDependents, started, names } = await begin(t, "one.js", "two");
  runDependents();
  await flush();
  assert.deepEqual(names(), ["one.js"]);
  started[0].end("load");
  await flush();
  assert.deepEqual(names(), ["one.js", "two"]);
});

test("one that can't be loaded does not keep the next from running", async (t) => {
  const { runDependents, started, names } = await begin(t, "one.js", "two");
  runDependents();
  await flush();
  started[0].end("error");
  await flush();
  assert.deepEqual(names(), ["one.js", "two"]);
});

test("to be called again while one loads does not start the next before its turn", async (t) => {
  const { runDependents, started, names } = await begin(t, "one.js", "two");
  runDependents();
  await flush();
  runDependents();
  await flush();
  assert.deepEqual(names(), ["one.js"]);
  started[0].end("load");
  await flush();
  assert.deepEqual(names(), ["one.js", "two"]);
});

test("one that a script adds runs too, and later calls run later ones", async (t) => {
  const { dormant, runDependents, names } = await begin(t, "one");
  const [one] = dormant;
  await runDependents();
  const again = Object.assign(one, { text: "again" });
  dormant.push(again);
  await runDependents();
  assert.deepEqual(names(), ["one", "again"]);
});
