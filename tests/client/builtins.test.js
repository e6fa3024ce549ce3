import assert from "node:assert/strict";
import test from "node:test";
import { define, makeEvent, ofDocument, ownGlobal } from "../../viraljs/client/builtins.js";
import { fakePage } from "./support.js";

/** Where a browser looks elements up by their names: on the way from a window to what all objects have. */
function name(window, elements) {
  Object.setPrototypeOf(window, Object.assign(Object.create(Object.getPrototypeOf(window)), elements));
}

test("a global is what somebody defined, and no element", (t) => {
  const { window } = fakePage(t);
  name(window, { ViralJS: { tagName: "FORM" } });
  assert.equal(ownGlobal("ViralJS"), undefined);
  window.ViralJS = { deliveries: [] };
  assert.deepEqual(ownGlobal("ViralJS"), { deliveries: [] });
});

test("what a document has is what all documents have, whatever its elements are called", (t) => {
  const { document } = fakePage(t, { readyState: "interactive" });
  for (const property of ["readyState", "currentScript", "createElement"]) {
    Object.defineProperty(document, property, { value: { tagName: "IMG" } });
  }
  document.running = "the script that runs";
  assert.equal(ofDocument("readyState"), "interactive");
  assert.equal(ofDocument("currentScript"), "the script that runs");
  assert.ok(ofDocument("createElement").call(document, "script"));
});

test("a property is what it is said to be, whatever the page has added to all objects", (t) => {
  t.after(() => {
    delete Object.prototype.get;
  });
  Object.prototype.get = () => "theirs";
  const target = {};
  assert.equal(define(target, "name", { value: "ours" }), true);
  assert.equal(target.name, "ours");
});

test("an event is the browser's, whatever has the name Event", (t) => {
  const { window } = fakePage(t);
  const heard = [];
  for (const type of ["load", "viraljs:delivered"]) {
    window.addEventListener(type, ({ type, bubbles, detail }) => heard.push([type, bubbles, detail]));
  }
  const { Event } = globalThis;
  const [load, delivered] = [makeEvent("load", true), makeEvent("viraljs:delivered", false, { url: "/app.js" })];
  assert.ok(load instanceof Event);
  window.dispatchEvent(load);
  window.dispatchEvent(delivered);
  assert.deepEqual(heard, [
    ["load", true, undefined],
    ["viraljs:delivered", false, { url: "/app.js" }],
  ]);
});
