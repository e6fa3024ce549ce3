import assert from "node:assert/strict";
import test from "node:test";
import { decidesEarly, openRoom, watchDeparture } from "../../viraljs/client/departure.js";
import { FakeTarget, fakeClock, patch } from "./support.js";

const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0";
const CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
const ELSEWHERE = { url: "https://a.example/elsewhere", sameDocument: false };
const PATIENCE_MS = 5000;

/** A page that is watched; `told` is whether it was said to be away, in order. */
function begin(t, { userAgent = FIREFOX } = {}) {
  const clock = fakeClock(t);
  const [window, navigation] = [new FakeTarget(), new FakeTarget()];
  patch(t, { window, navigation, navigator: { userAgent } });
  const told = [];
  watchDeparture((away) => told.push(away));
  function navigate(destination = ELSEWHERE, more = {}) {
    const event = Object.assign(new Event("navigate", { cancelable: true }), { destination, downloadRequest: null });
    navigation.dispatchEvent(Object.assign(event, more));
    return event;
  }
  return { clock, navigate, navigation, told, window };
}

test("a page is away from pagehide to pageshow", (t) => {
  const { told, window } = begin(t, { userAgent: CHROME });
  window.dispatchEvent(new Event("pagehide"));
  window.dispatchEvent(new Event("pageshow"));
  assert.deepEqual(told, [true, false]);
});

test("only Firefox decides when a navigation begins, and only where it says that one does", (t) => {
  const { navigate, told } = begin(t, { userAgent: CHROME });
  navigate();
  assert.deepEqual(told, []);
  assert.equal(decidesEarly(), false);
  patch(t, { navigator: { userAgent: FIREFOX } });
  assert.equal(decidesEarly(), true);
  delete globalThis.navigation;
  assert.equal(decidesEarly(), false);
  // Where browsers have elements by their names: `<nav id="navigation">`.
  const names = Object.getPrototypeOf(globalThis);
  names.navigation = { tagName: "NAV" };
  t.after(() => delete names.navigation);
  assert.equal(decidesEarly(), false);
});

test("there, a page is away from the beginning of a navigation, and does not come back before it has gone", async (t) => {
  const { clock, navigate, told, window } = begin(t);
  navigate();
  assert.deepEqual(told, [true]);
  await clock.advance(PATIENCE_MS - 1);
  window.dispatchEvent(new Event("pagehide"));
  await clock.advance(10 * PATIENCE_MS);
  assert.deepEqual(told, [true, true]);
  window.dispatchEvent(new Event("pageshow"));
  assert.deepEqual(told, [true, true, false]);
});

test("a page that is still there comes back: it was a download, or had no content", async (t) => {
  const { clock, navigate, told } = begin(t);
  navigate();
  await clock.advance(PATIENCE_MS);
  assert.deepEqual(told, [true, false]);
});

test("what another listener calls off, or takes into its own hands, is over at once", async (t) => {
  const called = begin(t);
  called.navigate().preventDefault();
  await called.clock.advance(0);
  assert.deepEqual(called.told, [true, false]);
  const taken = begin(t);
  taken.navigate();
  taken.navigation.transition = {};
  await taken.clock.advance(0);
  assert.deepEqual(taken.told, [true, false]);
});

test("what does not lead to another document is no departure", (t) => {
  const { navigate, told } = begin(t);
  navigate({ url: "https://a.example/#there", sameDocument: true });
  navigate({ url: "mailto:a@a.example", sameDocument: false });
  navigate(ELSEWHERE, { downloadRequest: "" });
  assert.deepEqual(told, []);
});

test("a room is a window of its own, which neither shows nor counts, and goes at once", (t) => {
  const made = [];
  const element = (name) => {
    const one = { name, children: [], append: (child) => one.children.push(child), remove: () => made.push("gone") };
    one.attachShadow = ({ mode }) => Object.assign(one, { mode });
    one.contentWindow = name;
    return one;
  };
  const root = element("html");
  patch(t, { document: {}, Document: { prototype: { createElement: element, documentElement: root } } });
  const { remove, window } = openRoom();
  const [{ name, mode, hidden, children }] = root.children;
  assert.deepEqual([name, mode, hidden, children[0].name, window], ["div", "closed", true, "iframe", "iframe"]);
  remove();
  assert.deepEqual(made, ["gone"]);
});
