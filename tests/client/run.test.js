import assert from "node:assert/strict";
import test from "node:test";
import { FakeScript, FakeTarget, patch } from "./support.js";

const SRC = "https://a.example/app.js";

/**
 * A page whose bundle the test executes by hand: `script.run(...)` is what the bundle does while it runs.
 *
 * @param {"parsing" | "interactive" | "complete"} state how far the page is when the bundle comes
 */
async function begin(t, state = "complete") {
  const window = Object.assign(new FakeTarget(), { onload: null, onpageshow: null });
  const document = Object.assign(new FakeTarget(), {
    onreadystatechange: null,
    createElement: () => new FakeScript(),
    head: { scripts: [], append: (script) => document.head.scripts.push(script) },
  });
  const timing = { domContentLoadedEventStart: 0, loadEventStart: 0 };
  const thrown = [];
  patch(t, {
    window,
    document,
    performance: { getEntriesByType: () => [timing] },
    PageTransitionEvent: Event,
    setTimeout(run) {
      try {
        run();
      } catch (error) {
        thrown.push(error);
      }
    },
  });
  /** The page goes on. */
  const reach = {
    parsing() {},
    interactive() {
      timing.domContentLoadedEventStart = 100;
      document.dispatchEvent(new Event("DOMContentLoaded"));
    },
    complete() {
      timing.domContentLoadedEventStart = 100;
      timing.loadEventStart = 200;
      window.dispatchEvent(new Event("load"));
    },
  };
  reach[state]();
  const module = await import(`../../viraljs/client/run.js?${encodeURIComponent(t.name)}`);
  const original = new FakeScript({ src: SRC });
  original.isConnected = true;
  return { ...module, document, original, reach, thrown, window };
}

/** Start the bundle; `execute` is its code, after which the browser says that it has loaded. */
function start({ run, original }, execute, { url = "blob:1", integrity = "sha256-x" } = {}) {
  const done = run(original, url, SRC, integrity);
  const script = original.next;
  return {
    script,
    execute: () => {
      execute?.(script);
      script.end("load");
      return done;
    },
    refuse: () => {
      script.end("error");
      return done;
    },
  };
}

test("the bundle is loaded from its blob with its digest, in the original's place, as if from its URL", async (t) => {
  const page = await begin(t);
  page.original.setAttribute("data-key", "7");
  const { execute, script } = start(page);
  assert.equal(script.loadedFrom, "blob:1");
  assert.equal(script.integrity, "sha256-x");
  assert.equal(script.src, SRC);
  assert.ok(script.attributes.some(({ name, value }) => name === "data-key" && value === "7"));
  assert.equal(await execute(), true);
});

test("where the original has left the document, the bundle is put into its head", async (t) => {
  const page = await begin(t);
  page.original.isConnected = false;
  page.run(page.original, "blob:1", SRC, "");
  assert.equal(page.document.head.scripts.length, 1);
});

test("a bundle that the browser refuses to load is taken away, and did not run", async (t) => {
  const page = await begin(t);
  const { refuse, script } = start(page);
  assert.equal(await refuse(), false);
  assert.equal(script.removed, true);
});

test("listeners of events that have passed are called once, with a fitting event", async (t) => {
  const page = await begin(t);
  const calls = [];
  const listen = (target, type) =>
    target.addEventListener(type, function listener(event) {
      calls.push([type, this === target, event.type, event.target === page.document, event.currentTarget === target]);
    });
  await start(page, () => {
    listen(page.document, "DOMContentLoaded");
    listen(page.document, "readystatechange");
    listen(page.window, "load");
    listen(page.window, "pageshow");
    assert.deepEqual(calls, [], "not while it runs");
  }).execute();
  assert.deepEqual(calls, [
    ["DOMContentLoaded", true, "DOMContentLoaded", true, true],
    ["readystatechange", true, "readystatechange", true, true],
    ["load", true, "load", true, true],
    ["pageshow", true, "pageshow", true, true],
  ]);
});

test("objects with handleEvent are listeners too", async (t) => {
  const page = await begin(t);
  const listener = { heard: 0, handleEvent: () => listener.heard++ };
  await start(page, () => page.window.addEventListener("load", listener)).execute();
  assert.equal(listener.heard, 1);
});

test("handlers that it sets for events that have passed are called; those that were there are not", async (t) => {
  const page = await begin(t);
  const calls = [];
  page.window.onpageshow = () => calls.push("old pageshow");
  await start(page, () => {
    page.window.onload = () => calls.push("load");
    page.document.onreadystatechange = () => calls.push("readystatechange");
  }).execute();
  assert.deepEqual(calls, ["load", "readystatechange"]);
});

test("events that are still to come are left to come by themselves", async (t) => {
  const page = await begin(t, "interactive");
  const calls = [];
  await start(page, () => {
    page.document.addEventListener("DOMContentLoaded", () => calls.push("DOMContentLoaded"));
    page.window.addEventListener("load", () => calls.push("load"));
    page.window.addEventListener("resize", () => calls.push("resize"));
  }).execute();
  assert.deepEqual(calls, ["DOMContentLoaded"]);
  page.reach.complete();
  assert.deepEqual(calls, ["DOMContentLoaded", "load"]);
});

test("DOMContentLoaded that comes while the bundle is loading has passed when it runs; load is held for it", async (t) => {
  const page = await begin(t, "parsing");
  const calls = [];
  const { execute } = start(page, () => {
    page.document.addEventListener("DOMContentLoaded", () => calls.push("DOMContentLoaded"));
    page.window.addEventListener("load", () => calls.push("load"));
  });
  page.reach.interactive();
  await execute();
  assert.deepEqual(calls, ["DOMContentLoaded"]);
  page.reach.complete();
  assert.deepEqual(calls, ["DOMContentLoaded", "load"]);
});

test("listeners that others add while the bundle loads are not called twice", async (t) => {
  const page = await begin(t, "parsing");
  const calls = [];
  const { execute } = start(page);
  page.document.addEventListener("DOMContentLoaded", () => calls.push("theirs"));
  page.reach.interactive();
  await execute();
  assert.deepEqual(calls, ["theirs"]);
});

test("a listener that throws does not keep the others from being called, and is heard of", async (t) => {
  const page = await begin(t);
  const calls = [];
  await start(page, () => {
    page.window.addEventListener("load", () => {
      throw new Error("theirs");
    });
    page.window.addEventListener("load", () => calls.push("next"));
  }).execute();
  assert.deepEqual(calls, ["next"]);
  assert.deepEqual(
    page.thrown.map(({ message }) => message),
    ["theirs"],
  );
});

test("after the run, and after a refusal, addEventListener is the browser's own again", async (t) => {
  const page = await begin(t);
  await start(page).execute();
  await start(page).refuse();
  for (const target of [page.window, page.document]) assert.equal(Object.hasOwn(target, "addEventListener"), false);
});

test("a refused bundle's page hears nothing late", async (t) => {
  const page = await begin(t);
  const calls = [];
  const { refuse } = start(page);
  page.window.addEventListener("load", () => calls.push("load"));
  await refuse();
  assert.deepEqual(calls, []);
});

test("the original's load event is held back until it is given", async (t) => {
  const { document, holdLoad, original } = await begin(t);
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
