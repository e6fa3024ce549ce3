import assert from "node:assert/strict";
import test from "node:test";
import { copyScript, forbid, isWanted, load } from "../../viraljs/client/scripts.js";
import { FakeScript, fakeClock, fakePage } from "./support.js";

test("a copy has all attributes but the source, and the nonce that browsers hide", (t) => {
  fakePage(t);
  const original = new FakeScript({ src: "/app.js", crossorigin: "anonymous", "data-key": "7", nonce: "" });
  original.nonce = "secret";
  const copy = copyScript(original);
  assert.deepEqual(
    copy.attributes,
    original.attributes.filter(({ name }) => name !== "src"),
  );
  assert.equal(copy.src, "");
  assert.equal(copy.nonce, "secret");
});

test("a copy waits for no other script of the page, and none waits for it", (t) => {
  fakePage(t);
  assert.equal(copyScript(new FakeScript({ defer: "" })).async, true);
});

test("a copy has attributes that only a parser could have made", (t) => {
  fakePage(t);
  const original = new FakeScript({ "@click": "x" });
  const made = t.mock.method(FakeScript.prototype, "setAttribute", () => assert.fail("takes no such name"));
  assert.deepEqual(copyScript(original).attributes, original.attributes);
  assert.equal(made.mock.callCount(), 0);
});

test("a copy has no handlers: the events are the original's, and a page may let nobody write any", (t) => {
  fakePage(t);
  const copy = copyScript(new FakeScript({ onload: "init()", onerror: "fail()", "data-on": "1" }));
  assert.deepEqual(
    copy.attributes.map(({ name }) => name),
    ["data-on"],
  );
});

for (const type of ["load", "error"]) {
  test(`a script is started, unseen in the document, and its ${type} is told at once`, (t) => {
    const { document } = fakePage(t);
    const before = [...document.all()];
    const inserted = [];
    document.inserted = (script) => inserted.push([script, script.src]);
    const told = [];
    const script = document.createElement("script");
    load(script, "blob:1", (ran) => told.push(ran));
    assert.deepEqual(inserted, [[script, "blob:1"]], "with its URL");
    assert.deepEqual([...document.all()], before);
    assert.deepEqual(told, []);
    script.end(type);
    assert.deepEqual(told, [type === "load"]);
  });
}

// Whether it is waited for -------------------------------------------------------------------------------

for (const [what, attributes, readyState, wanted] of [
  ["one that stops the parser", {}, "loading", true],
  ["one that a loader has put in line", {}, "complete", true],
  ["one that is deferred, but runs while the page is parsed", { defer: "" }, "loading", true],
  ["one that is deferred", { defer: "" }, "interactive", false],
  ["one that is async", { async: "" }, "loading", false],
  ["one that is both", { async: "", defer: "" }, "loading", false],
]) {
  test(`${what} is ${wanted ? "" : "not "}waited for`, (t) => {
    fakePage(t, { readyState });
    assert.equal(isWanted(new FakeScript(attributes)), wanted);
  });
}

test("one that a script has made is not waited for, unless that says so", (t) => {
  const { document } = fakePage(t);
  const script = document.createElement("script");
  assert.equal(isWanted(script), false);
  script.async = false;
  assert.equal(isWanted(script), true);
});

// Silence ------------------------------------------------------------------------------------------------

/** A script for which there is so much patience. */
function wait(t, patience) {
  const clock = fakeClock(t);
  const { document } = fakePage(t);
  const script = document.createElement("script");
  const told = [];
  load(script, "blob:1", (ran) => told.push(ran), patience);
  return { clock, document, script, told };
}

test("a script that says nothing in time is put out of action, and told as one that did not run, once", async (t) => {
  const { clock, document, script, told } = wait(t, 1000);
  await clock.advance(1000);
  assert.deepEqual([told, script.ownerDocument === document], [[], true]);
  await clock.advance(100);
  assert.deepEqual([told, script.ownerDocument === document], [[null], false]);
  for (const type of ["load", "error"]) script.end(type);
  assert.deepEqual(told, [null]);
});

test("an event that was on its way when the time was up still counts: the page itself was busy", async (t) => {
  const { clock, document, script, told } = wait(t, 1000);
  await clock.advance(1000);
  script.end("load");
  await clock.advance(10_000);
  assert.deepEqual([told, script.ownerDocument === document], [[true], true]);
});

test("without a limit, a script is waited for as long as it takes", async (t) => {
  const { clock, script, told } = wait(t);
  assert.deepEqual(clock.waits(), []);
  await clock.advance(1_000_000);
  script.end("load");
  assert.deepEqual(told, [true]);
});

test("what is forbidden belongs to another document, and is in none", (t) => {
  const { document } = fakePage(t);
  const script = new FakeScript({ src: "/app.js" });
  document.documentElement.append(script);
  forbid(script);
  assert.deepEqual([script.isConnected, script.ownerDocument === document], [false, false]);
});
