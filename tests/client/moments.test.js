import assert from "node:assert/strict";
import test from "node:test";
import { isParsing, moments } from "../../viraljs/client/moments.js";
import { fakeStart, flush } from "./support.js";

/** A page that starts, with something that its events are to wait for. */
function begin(t, state = "parsing") {
  const page = fakeStart(t, state);
  let done = () => {};
  const ended = new Promise((resolve) => {
    done = () => resolve(undefined);
  });
  const calls = [];
  return {
    ...page,
    calls,
    ended,
    /** A listener that notes that it was called. */
    note: (name) => () => calls.push(name),
    /** It has ended. */
    async end() {
      done();
      await flush();
    },
    async parse() {
      page.reach.interactive();
      await flush();
    },
  };
}

// DOMContentLoaded ---------------------------------------------------------------------------------------

test("DOMContentLoaded is heard when what it waits for has ended: by all, once, in order", async (t) => {
  const { calls, document, end, ended, note, parse, window } = begin(t);
  document.addEventListener("DOMContentLoaded", note("above"));
  window.addEventListener("DOMContentLoaded", note("window, above"));
  moments().holdParsed(ended);
  document.addEventListener("DOMContentLoaded", note("below"));
  window.addEventListener("DOMContentLoaded", note("window, below"));
  await parse();
  assert.deepEqual(calls, []);
  document.addEventListener("DOMContentLoaded", note("what it waited for"));
  await end();
  assert.deepEqual(calls, ["above", "below", "what it waited for", "window, above", "window, below"]);
  await flush();
  assert.equal(calls.length, 5);
});

test("what has ended before then does not hold it up longer than that", async (t) => {
  const { calls, document, end, ended, note, parse } = begin(t);
  document.addEventListener("DOMContentLoaded", note("heard"));
  moments().holdParsed(ended);
  await end();
  assert.deepEqual(calls, [], "nor does it come too soon");
  await parse();
  assert.deepEqual(calls, ["heard"]);
});

test("it is the document's event, which bubbles to the window", async (t) => {
  const { document, end, ended, parse, window } = begin(t);
  const events = [];
  window.addEventListener("DOMContentLoaded", (event) => events.push(event));
  moments().holdParsed(ended);
  await parse();
  await end();
  assert.deepEqual(
    events.map(({ target, bubbles }) => [target === document, bubbles]),
    [[true, true]],
  );
});

test("it waits for all that is held, also for what was added while it waited", async (t) => {
  const [one, two, three] = [begin(t), begin(t), begin(t)];
  const { calls, document, note, parse } = three;
  document.addEventListener("DOMContentLoaded", note("heard"));
  for (const { ended } of [one, two]) moments().holdParsed(ended);
  await parse();
  await two.end();
  assert.deepEqual(calls, []);
  moments().holdParsed(three.ended);
  await one.end();
  assert.deepEqual(calls, []);
  await three.end();
  assert.deepEqual(calls, ["heard"]);
});

test("where nothing holds it, it is the browser's own", async (t) => {
  const { document, parse } = begin(t);
  const events = [];
  document.addEventListener("DOMContentLoaded", (event) => events.push(event));
  const { isHeld } = moments();
  document.addEventListener("DOMContentLoaded", () => assert.equal(isHeld(), false));
  document.dispatchEvent = ((dispatch) => (event) => {
    events.push(event);
    return dispatch(event);
  })(document.dispatchEvent.bind(document));
  await parse();
  assert.equal(events.length, 2, "sent and heard");
  assert.equal(events[0], events[1]);
});

test("events of its name that the page sends itself are heard at once", async (t) => {
  const { calls, document, end, ended, note, parse } = begin(t);
  document.addEventListener("DOMContentLoaded", note("heard"));
  moments().holdParsed(ended);
  document.dispatchEvent(new Event("DOMContentLoaded"));
  assert.deepEqual(calls, ["heard"]);
  await parse();
  assert.deepEqual(calls, ["heard"]);
  await end();
  assert.deepEqual(calls, ["heard", "heard"]);
  document.dispatchEvent(new Event("DOMContentLoaded"));
  assert.equal(calls.length, 3, "also later");
});

test("the page is parsed when the browser says so, whether others hear it or not", async (t) => {
  const { calls, end, ended, note, parse } = begin(t);
  moments().holdParsed(ended);
  moments().parsed.then(note("parsed"));
  await end();
  assert.deepEqual(calls, []);
  await parse();
  assert.deepEqual(calls, ["parsed"]);
});

test("it is held between the browser's event and ours, and no longer when that is heard", async (t) => {
  const { document, end, ended, parse } = begin(t);
  const { isHeld } = moments();
  assert.equal(isHeld(), false);
  moments().holdParsed(ended);
  assert.equal(isHeld(), false, "not before it has come");
  await parse();
  assert.equal(isHeld(), true);
  const heard = [];
  document.addEventListener("DOMContentLoaded", () => heard.push(isHeld()));
  await end();
  assert.deepEqual([heard, isHeld()], [[false], false]);
});

// load ---------------------------------------------------------------------------------------------------

test("load is held back until all have ended that hold it", async (t) => {
  const [one, two] = [begin(t), begin(t)];
  const { document } = two;
  assert.equal(document.loadIsHeld, false);
  for (const { ended } of [one, two]) moments().holdLoad(ended);
  assert.equal(document.loadIsHeld, true);
  await one.end();
  assert.equal(document.loadIsHeld, true);
  await two.end();
  assert.equal(document.loadIsHeld, false);
});

test("it can be held back again", async (t) => {
  const [one, two] = [begin(t), begin(t)];
  moments().holdLoad(one.ended);
  await one.end();
  moments().holdLoad(two.ended);
  assert.equal(two.document.loadIsHeld, true);
  await two.end();
  assert.equal(two.document.loadIsHeld, false);
});

test("it is held back until DOMContentLoaded was heard, where that is", async (t) => {
  const { calls, document, end, ended, parse } = begin(t);
  moments().holdParsed(ended);
  document.addEventListener("DOMContentLoaded", () => calls.push(document.loadIsHeld));
  assert.equal(document.loadIsHeld, true);
  await parse();
  assert.equal(document.loadIsHeld, true);
  await end();
  assert.deepEqual([calls, document.loadIsHeld], [[true], false]);
});

test("what holds it is out of sight, and nothing of it stays", async (t) => {
  const { document, end, ended } = begin(t);
  const before = [...document.all()];
  moments().holdLoad(ended);
  const [host, ...more] = [...document.all()].filter((node) => !before.includes(node));
  assert.deepEqual([host.hidden, more, document.querySelectorAll("script")], [true, [], []]);
  await end();
  assert.deepEqual([...document.all()], before);
});

test("where the page has loaded, there is nothing to hold, and nothing is put into it", (t) => {
  const { document, ended } = begin(t, "complete");
  const before = [...document.all()];
  moments().holdLoad(ended);
  assert.deepEqual([...document.all()], before);
});

test("a page that lets nobody make a frame has its events all the same", async (t) => {
  t.mock.method(console, "debug", () => {});
  const { calls, document, end, ended, note, parse } = begin(t);
  document.createElement = () => {
    throw new TypeError("no");
  };
  document.addEventListener("DOMContentLoaded", note("heard"));
  moments().holdLoad(ended);
  moments().holdParsed(ended);
  await parse();
  assert.deepEqual(calls, []);
  await end();
  assert.deepEqual(calls, ["heard"]);
});

// Whose they are -----------------------------------------------------------------------------------------

test("all clients of a page hold the same events, those of another release too", async (t) => {
  const [one, two] = [begin(t), begin(t)];
  const { calls, document, note, parse } = two;
  const other = await import("../../viraljs/client/moments.js?another");
  assert.equal(moments(), moments());
  assert.equal(other.moments(), moments());
  document.addEventListener("DOMContentLoaded", note("heard"));
  moments().holdParsed(one.ended);
  other.moments().holdParsed(two.ended);
  await parse();
  await one.end();
  assert.deepEqual(calls, []);
  await two.end();
  assert.deepEqual(calls, ["heard"]);
});

test("a page is being parsed until the browser sends DOMContentLoaded, and not where it sends it no more", (t) => {
  const { document, reach } = fakeStart(t, "parsing");
  document.readyState = "loading";
  assert.equal(isParsing(), true);
  document.readyState = "interactive";
  assert.equal(isParsing(), true, "while deferred scripts run");
  reach.interactive();
  assert.equal(isParsing(), false);
  const { document: old } = fakeStart(t, "parsing");
  old.readyState = "complete";
  assert.equal(isParsing(), false, "a browser that times nothing");
});
