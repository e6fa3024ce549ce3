import assert from "node:assert/strict";
import test from "node:test";
import { findPage, keepPage } from "../../viraljs/client/versions.js";
import { fakePage } from "./support.js";

const newPage = () => ({ turns: new WeakMap(), last() {} });

test("before the first client there is no page object, also where an element has its name", (t) => {
  const { window } = fakePage(t);
  assert.equal(findPage(), undefined);
  Object.setPrototypeOf(window, { ViralJS: { tagName: "FORM" } });
  assert.equal(findPage(), undefined);
});

test("what is kept is found, and seen by the page", (t) => {
  const { window } = fakePage(t);
  const page = newPage();
  keepPage(page);
  assert.equal(findPage(), page);
  assert.equal(window.ViralJS, page);
});

test("the object of a client that only knew the public face is found by it", (t) => {
  const { window } = fakePage(t);
  window.ViralJS = newPage();
  assert.equal(findPage(), window.ViralJS);
});

test("something else of the page under this name stays, and ours is found all the same", (t) => {
  for (const owned of [{ value: "the app's" }, { get: () => "the app's" }, { value: { deliveries: [] } }]) {
    const { window } = fakePage(t);
    const debug = t.mock.method(console, "debug", () => {});
    Object.defineProperty(window, "ViralJS", owned);
    const before = window.ViralJS;
    assert.equal(findPage(), undefined);
    const page = newPage();
    keepPage(page);
    assert.equal(findPage(), page);
    assert.equal(window.ViralJS, before);
    assert.equal(debug.mock.callCount(), 1);
    debug.mock.restore();
  }
});

test("what the page puts there later does not hide ours", (t) => {
  const { window } = fakePage(t);
  const page = newPage();
  keepPage(page);
  window.ViralJS = "the app's";
  assert.equal(findPage(), page);
});
