import assert from "node:assert/strict";
import test from "node:test";
import { moments } from "../../viraljs/client/moments.js";
import { SILENCE_MS } from "../../viraljs/client/place.js";
import { nameCode, run } from "../../viraljs/client/run.js";
import { FakeScript, FakeTrusted, fakeClock, fakePage, fakeStart, flush } from "./support.js";

const SRC = "https://a.example/app.js";

/** A page whose scripts the test executes by hand; `inserted` are those that were put into it. */
function begin(t, state) {
  const page = fakeStart(t, state);
  const inserted = [];
  page.document.inserted = (script) => inserted.push(script);
  return { ...page, inserted, original: new FakeScript({ src: SRC }) };
}

/** Start a bundle; `execute` is its code, after which the browser says that it has loaded. */
function start(page, { original = page.original, url = "blob:1" } = {}) {
  const done = run(original, url, SRC);
  const script = page.inserted.at(-1);
  return {
    script,
    execute(code) {
      if (code) page.document.execute(script, code);
      script.end("load");
      return done;
    },
    refuse() {
      script.end("error");
      return done;
    },
  };
}

// What runs ----------------------------------------------------------------------------------------------

test("the bundle is loaded from its blob by a script like the original, whose digest is not asked of it", async (t) => {
  const page = begin(t);
  page.original.setAttribute("data-key", "7");
  page.original.setAttribute("integrity", "sha256-x");
  page.original.nonce = "secret";
  const { execute, script } = start(page);
  assert.equal(script.src, "blob:1");
  assert.deepEqual([script.integrity, script.nonce], ["", "secret"]);
  assert.ok(script.attributes.some(({ name, value }) => name === "data-key" && value === "7"));
  assert.deepEqual(await execute(), { ran: true, wrote: false });
});

test("the script that runs is never left in the document, and needs no place of the original's", async (t) => {
  for (const connected of [true, false]) {
    const page = begin(t);
    if (connected) page.document.documentElement.append(page.original);
    const before = [...page.document.all()];
    const { execute, script } = start(page);
    assert.equal(page.inserted.at(-1), script, "it has been there");
    assert.deepEqual([...page.document.all()], before, "not while it loads");
    await execute(() => assert.deepEqual([...page.document.all()], before, "nor while it runs"));
    await start(page).refuse();
    assert.deepEqual([...page.document.all()], before);
  }
});

test("a bundle that the browser refuses to load did not run", async (t) => {
  assert.deepEqual(await start(begin(t)).refuse(), { ran: false, wrote: false });
});

test("where the page's policy takes no URL of ours, it did not run, and the console tells why", async (t) => {
  const told = t.mock.method(console, "error", () => {});
  const page = begin(t);
  page.document.trustedOnly = true;
  assert.deepEqual(await run(page.original, "blob:1", SRC), { ran: false, wrote: false });
  assert.ok(told.mock.calls[0].arguments[0] instanceof TypeError);
  for (const target of [page.window, page.document]) {
    for (const name of ["addEventListener", "write", "currentScript"]) assert.ok(!Object.hasOwn(target, name), name);
  }
});

test("a URL that a policy has made is passed on as it is", async (t) => {
  const page = begin(t);
  page.document.trustedOnly = true;
  const { execute, script } = start(page, { url: new FakeTrusted("blob:1") });
  assert.equal(script.src, "blob:1");
  assert.equal((await execute()).ran, true);
});

test("bundles that load at the same time see each its own element, in whichever order they end", async (t) => {
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    const page = begin(t);
    const originals = [1, 2].map((name) => new FakeScript({ src: `${SRC}?${name}` }));
    const runs = originals.map((original) => start(page, { original }));
    for (const at of order) await runs[at].execute(() => assert.equal(page.document.currentScript, originals[at]));
    for (const target of [page.window, page.document]) {
      for (const name of ["addEventListener", "removeEventListener", "write", "writeln", "currentScript"]) {
        assert.equal(Object.hasOwn(target, name), false, name);
      }
    }
  }
});

// Errors -------------------------------------------------------------------------------------------------

/** What `window.onerror` hears of an error in a file; gives its arguments, and the event. */
function fail({ window }, filename, answer) {
  const heard = [];
  window.onerror = (...values) => {
    heard.push(values);
    return answer;
  };
  const error = new Error("on purpose");
  const event = new ErrorEvent("error", {
    message: "Error: on purpose",
    lineno: 3,
    colno: 7,
    error,
    filename,
    cancelable: true,
  });
  window.dispatchEvent(event);
  return { error, event, heard };
}

test("errors that are named with the blob's URL reach window.onerror with the original URL, once", async (t) => {
  const page = begin(t);
  const { execute } = start(page);
  await execute(() => {
    const { error, event, heard } = fail(page, "blob:1");
    assert.deepEqual(heard, [["Error: on purpose", SRC, 3, 7, error]]);
    assert.equal(event.defaultPrevented, false);
  });
  assert.deepEqual(fail(page, "blob:1").heard[0][1], SRC, "also later, from its callbacks");
});

test("so do errors of the direct URL, and of a URL that a policy has made", async (t) => {
  const page = begin(t);
  for (const url of [`${SRC}?viraljs=direct`, new FakeTrusted("blob:2")]) {
    await start(page, { url }).execute();
    const { heard } = fail(page, `${url}`);
    assert.deepEqual([heard.length, heard[0][1]], [1, SRC]);
  }
});

test("who prevents the default of such an error prevents the browser's own", async (t) => {
  const page = begin(t);
  await start(page).execute();
  assert.equal(fail(page, "blob:1", true).event.defaultPrevented, true);
});

test("errors of others, and of a script that runs from its own URL, are left alone", async (t) => {
  const page = begin(t);
  await start(page).execute();
  await start(page, { url: SRC }).execute();
  for (const filename of ["https://a.example/other.js", SRC]) {
    const events = [];
    page.window.addEventListener("error", (event) => events.push(event), { once: true });
    const { event, heard } = fail(page, filename);
    assert.deepEqual(
      heard.map(([, name]) => name),
      [filename],
    );
    assert.deepEqual(events, [event], "the very event");
  }
});

// Silence ------------------------------------------------------------------------------------------------

test("a bundle of a known size that says nothing did not run; a large one has more time, as it takes to compile", async (t) => {
  for (const [size, milliseconds] of [
    [1, SILENCE_MS],
    [20_000_000, SILENCE_MS + 10_000],
  ]) {
    const clock = fakeClock(t);
    const { document } = fakePage(t);
    let over;
    run(new FakeScript({ src: SRC }), "blob:1", SRC, undefined, size).then((value) => {
      over = value;
    });
    await clock.advance(milliseconds);
    assert.equal(over, undefined);
    await clock.advance(milliseconds);
    assert.deepEqual(over, { ran: false, wrote: false });
    assert.equal(Object.hasOwn(document, "currentScript"), false);
  }
});

// What is late -------------------------------------------------------------------------------------------

test("listeners of the bundle for what has passed are called after the run, before it is told to be over", async (t) => {
  const page = begin(t);
  const calls = [];
  const { execute } = start(page);
  page.document.execute(new FakeScript(), () => page.window.addEventListener("load", () => calls.push("another's")));
  const done = execute(() => {
    page.document.addEventListener("DOMContentLoaded", () => calls.push("DOMContentLoaded"));
    page.window.addEventListener("load", () => calls.push("load"));
    assert.deepEqual(calls, [], "not while it runs");
  });
  assert.deepEqual(calls, ["DOMContentLoaded", "load"]);
  await done;
});

test("while late listeners are called, all is the browser's own again", async (t) => {
  const page = begin(t);
  let own = true;
  await start(page).execute(() =>
    page.window.addEventListener("load", () => {
      own = ["currentScript", "write", "addEventListener"].some((name) => Object.hasOwn(page.document, name));
    }),
  );
  assert.equal(own, false);
});

test("of a refused bundle's page nobody hears anything late", async (t) => {
  const page = begin(t);
  const calls = [];
  const { refuse, script } = start(page);
  page.document.execute(script, () => page.window.addEventListener("load", () => calls.push("load")));
  await refuse();
  assert.deepEqual(calls, []);
});

test("of a module, which no browser tells while it runs, every listener counts", async (t) => {
  const page = begin(t);
  const calls = [];
  page.original.setAttribute("type", "module");
  const { execute } = start(page);
  page.window.addEventListener("load", () => calls.push("load"));
  await execute();
  assert.deepEqual(calls, ["load"]);
});

test("listeners for what has passed wait for what comes before those events", async (t) => {
  const page = begin(t);
  const calls = [];
  let come;
  const last = new Promise((resolve) => {
    come = resolve;
  });
  const done = run(page.original, "blob:1", SRC, () => last);
  const script = page.inserted.at(-1);
  page.document.execute(script, () => page.window.addEventListener("load", () => calls.push("load")));
  script.end("load");
  assert.equal((await done).ran, true);
  assert.deepEqual(calls, []);
  come();
  await flush();
  assert.deepEqual(calls, ["load"]);
});

test("DOMContentLoaded that is held back is not late: its listeners are called once, when it comes", async (t) => {
  const page = begin(t, "parsing");
  const calls = [];
  let come = () => {};
  const ended = new Promise((resolve) => {
    come = resolve;
  });
  moments().holdParsed(ended);
  page.reach.interactive();
  await start(page).execute(() => page.document.addEventListener("DOMContentLoaded", () => calls.push("heard")));
  await flush();
  assert.deepEqual(calls, []);
  come();
  await flush();
  assert.deepEqual(calls, ["heard"]);
});

// What it writes -----------------------------------------------------------------------------------------

for (const name of ["write", "writeln"]) {
  test(`what the bundle gives document.${name} is dropped with a word in the console, and reported`, async (t) => {
    const told = t.mock.method(console, "error", () => {});
    const page = begin(t);
    const over = await start(page).execute(() => page.document[name]("<p>"));
    assert.deepEqual(over, { ran: true, wrote: true });
    assert.deepEqual(page.document.written, []);
    assert.equal(told.mock.callCount(), 1);
  });

  test(`what others give document.${name} meanwhile is written, and not reported`, async (t) => {
    const page = begin(t);
    const { execute } = start(page);
    page.document.execute(new FakeScript(), () => page.document[name]("theirs"));
    assert.deepEqual(await execute(), { ran: true, wrote: false });
    assert.deepEqual(page.document.written, [[name, "theirs"]]);
  });
}

// Its name -----------------------------------------------------------------------------------------------

const NAME = `//# sourceURL=${SRC}`;

for (const [what, code] of [
  ["code that ends in its midst", "run()"],
  ["code that ends with a comment", "run() // at once"],
  ["code whose map is named", "run()\n//# sourceMappingURL=app.js.map"],
  ["code that only speaks of names", 'log("//# sourceURL=x")'],
  ["code that named another one long before its end", `//# sourceURL=part.js\n${"x;".repeat(1000)}`],
  ["no code", ""],
]) {
  test(`${what} is given its name, on a line of its own`, async () => {
    const named = await nameCode(new Blob([code], { type: "text/javascript" }), SRC);
    assert.equal(await named.text(), `${code}\n${NAME}`);
    assert.equal(named.type, "text/javascript");
  });
}

for (const own of [
  "//# sourceURL=webpack://app.js",
  "//@ sourceURL=app.ts",
  "//# sourceURL=app.js\n//# sourceMappingURL=m",
]) {
  test(`code that ends with a name of its own keeps it: ${own.split("\n")[0]}`, async () => {
    const blob = new Blob([`${"x;".repeat(5000)}\n${own}\n`]);
    assert.equal(await nameCode(blob, SRC), blob);
  });
}
