import assert from "node:assert/strict";
import test from "node:test";
import { callLate, dropWrites, hasPassed, override, runningScript } from "../../viraljs/client/late.js";
import { FakeScript, fakeStart, flush } from "./support.js";

/** A page with a script that is watched: `during` runs code as that script, `meanwhile` as another. */
function begin(t, state) {
  const page = fakeStart(t, state);
  const [script, other] = [new FakeScript(), new FakeScript()];
  return {
    ...page,
    script,
    isRunning: () => runningScript() === script,
    during: (code) => page.document.execute(script, code),
    meanwhile: (code) => page.document.execute(other, code),
  };
}

const LATE = [
  ["document", "DOMContentLoaded"],
  ["window", "DOMContentLoaded"],
  ["document", "readystatechange"],
  ["window", "load"],
  ["window", "pageshow"],
];

// Which script runs --------------------------------------------------------------------------------------

test("the running script is what the browser says, whatever stands over the document's own property", (t) => {
  const { document, during, script } = begin(t);
  assert.equal(runningScript(), null);
  Object.defineProperty(document, "currentScript", { get: () => "theirs" });
  during(() => assert.equal(runningScript(), script));
});

// Listeners ----------------------------------------------------------------------------------------------

test("listeners of events that have passed are called once, in order, with a fitting event", (t) => {
  const page = begin(t);
  const calls = [];
  const end = callLate(page.isRunning);
  page.during(() => {
    for (const [name, type] of LATE) {
      page[name].addEventListener(type, function listener(event) {
        const { currentTarget, target } = event;
        calls.push([name, event.type, this === page[name], target === page.document, currentTarget === page[name]]);
      });
    }
  });
  assert.deepEqual(calls, [], "not while it runs");
  end(true);
  assert.deepEqual(
    calls,
    LATE.map(([name, type]) => [name, type, true, true, true]),
  );
});

test("they are called when nothing else is to come before those events", async (t) => {
  const page = begin(t);
  const calls = [];
  const end = callLate(page.isRunning);
  page.during(() => page.document.addEventListener("DOMContentLoaded", () => calls.push("called")));
  let come;
  end(
    true,
    new Promise((resolve) => {
      come = resolve;
    }),
  );
  await flush();
  assert.deepEqual(calls, []);
  come();
  await flush();
  assert.deepEqual(calls, ["called"]);
});

test("who keeps addEventListener may use it for other targets, then and later; by its name alone it is the window's", (t) => {
  const page = begin(t);
  const [calls, other] = [[], new EventTarget()];
  const end = callLate(page.isRunning);
  let kept;
  page.during(() => {
    kept = page.window.addEventListener;
    kept.call(other, "load", () => calls.push("then"));
    kept.call(undefined, "load", () => calls.push("alone"));
  });
  end(true);
  assert.deepEqual(calls, ["alone"]);
  kept.call(other, "load", () => calls.push("later"));
  other.dispatchEvent(new Event("load"));
  assert.deepEqual(calls, ["alone", "then", "later"]);
});

test("the late pageshow is a PageTransitionEvent", (t) => {
  const page = begin(t);
  const heard = [];
  const end = callLate(page.isRunning);
  page.during(() =>
    page.window.addEventListener("pageshow", (event) => heard.push(event instanceof PageTransitionEvent)),
  );
  end(true);
  assert.deepEqual(heard, [true]);
});

test("objects with handleEvent are listeners too", (t) => {
  const page = begin(t);
  const listener = {
    heard: 0,
    handleEvent() {
      this.heard++;
    },
  };
  const end = callLate(page.isRunning);
  page.during(() => page.window.addEventListener("load", listener));
  end(true);
  assert.equal(listener.heard, 1);
});

test("a listener that is added twice is called once, one that is removed again not at all", (t) => {
  const page = begin(t);
  const calls = [];
  const [twice, never] = [() => calls.push("twice"), () => calls.push("never")];
  const end = callLate(page.isRunning);
  page.during(() => {
    for (const listener of [twice, never, twice]) page.window.addEventListener("load", listener);
    page.window.removeEventListener("load", never);
    page.window.addEventListener("load", null);
  });
  end(true);
  assert.deepEqual(calls, ["twice"]);
});

test("only listeners of the script that runs are late: others have heard what they were there for", (t) => {
  const page = begin(t);
  const calls = [];
  const end = callLate(page.isRunning);
  page.meanwhile(() => page.window.addEventListener("load", () => calls.push("another script's")));
  page.window.addEventListener("load", () => calls.push("a callback's"));
  page.during(() => page.window.addEventListener("load", () => calls.push("its own")));
  end(true);
  assert.deepEqual(calls, ["its own"]);
});

test("handlers that it sets for events that have passed are called; those that were there are not", (t) => {
  const page = begin(t);
  const calls = [];
  page.window.onpageshow = () => calls.push("old pageshow");
  const end = callLate(page.isRunning);
  page.window.onload = () => calls.push("load");
  page.document.onreadystatechange = () => calls.push("readystatechange");
  end(true);
  assert.deepEqual(calls, ["load", "readystatechange"]);
});

test("events that are still to come are left to come by themselves", (t) => {
  const page = begin(t, "interactive");
  const calls = [];
  const end = callLate(page.isRunning);
  page.during(() => {
    page.document.addEventListener("DOMContentLoaded", () => calls.push("DOMContentLoaded"));
    page.document.addEventListener("readystatechange", () => calls.push("readystatechange"));
    page.window.addEventListener("load", () => calls.push("load"));
    page.window.addEventListener("resize", () => calls.push("resize"));
    page.window.onload = () => calls.push("onload");
  });
  end(true);
  assert.deepEqual(calls, ["DOMContentLoaded"]);
  page.reach.complete();
  assert.deepEqual(calls, ["DOMContentLoaded", "readystatechange", "load"]);
});

test("where the page is not parsed yet, nothing is late", (t) => {
  const page = begin(t, "parsing");
  const calls = [];
  const end = callLate(page.isRunning);
  page.during(() => {
    for (const [name, type] of LATE) page[name].addEventListener(type, () => calls.push(type));
  });
  end(true);
  assert.deepEqual(calls, []);
  page.reach.interactive();
  assert.deepEqual(calls, ["DOMContentLoaded", "DOMContentLoaded"]);
});

test("DOMContentLoaded that comes between the watch's beginning and the script has passed for it", (t) => {
  const page = begin(t, "parsing");
  const calls = [];
  const end = callLate(page.isRunning);
  page.document.addEventListener("DOMContentLoaded", () => calls.push("theirs"));
  page.reach.interactive();
  page.during(() => page.document.addEventListener("DOMContentLoaded", () => calls.push("its own")));
  end(true);
  assert.deepEqual(calls, ["theirs", "its own"]);
});

test("a document's load and a window's readystatechange are other events, and never late", (t) => {
  const page = begin(t);
  const calls = [];
  const end = callLate(page.isRunning);
  page.during(() => {
    page.document.addEventListener("load", () => calls.push("an image's load"), true);
    page.document.addEventListener("pageshow", () => calls.push("pageshow"));
    page.window.addEventListener("readystatechange", () => calls.push("readystatechange"));
  });
  end(true);
  assert.deepEqual(calls, []);
});

test("a listener that throws does not keep the others from being called, and is heard of", (t) => {
  const page = begin(t);
  const calls = [];
  const end = callLate(page.isRunning);
  page.during(() => {
    page.window.addEventListener("load", () => {
      throw new Error("theirs");
    });
    page.window.addEventListener("load", () => calls.push("next"));
  });
  end(true);
  assert.deepEqual(calls, ["next"]);
  assert.deepEqual(
    page.thrown.map(({ message }) => message),
    ["theirs"],
  );
});

test("of a script that did not run nobody is called", (t) => {
  const page = begin(t);
  const calls = [];
  const end = callLate(page.isRunning);
  page.during(() => page.window.addEventListener("load", () => calls.push("load")));
  page.window.onload = () => calls.push("onload");
  end(false);
  assert.deepEqual(calls, []);
});

test("listeners are still the browser's own: they hear what comes, and can be removed", (t) => {
  const page = begin(t, "parsing");
  const calls = [];
  const [stays, goes] = [() => calls.push("stays"), () => calls.push("goes")];
  const end = callLate(page.isRunning);
  page.during(() => {
    page.window.addEventListener("load", stays, { once: true });
    page.window.addEventListener("load", goes);
    page.window.removeEventListener("load", goes);
  });
  end(true);
  page.reach.complete();
  page.reach.complete();
  assert.deepEqual(calls, ["stays"]);
});

for (const ran of [true, false]) {
  test(`after a script that ${ran ? "ran" : "did not run"} addEventListener is the browser's own again`, (t) => {
    const page = begin(t);
    callLate(page.isRunning)(ran);
    for (const target of [page.window, page.document]) {
      assert.deepEqual(
        [Object.hasOwn(target, "addEventListener"), Object.hasOwn(target, "removeEventListener")],
        [false, false],
      );
    }
  });
}

test("what another script put over addEventListener meanwhile survives, and still works", (t) => {
  const page = begin(t);
  const seen = [];
  const calls = [];
  const end = callLate(page.isRunning);
  const under = page.window.addEventListener;
  const theirs = (...values) => {
    seen.push(values[0]);
    under(...values);
  };
  page.window.addEventListener = theirs;
  end(true);
  assert.equal(page.window.addEventListener, theirs);
  page.during(() => page.window.addEventListener("load", () => calls.push("load")));
  assert.deepEqual([seen, calls], [["load"], []]);
  page.reach.complete();
  assert.deepEqual(calls, ["load"]);
});

test("what another script had put over addEventListener before is there again", (t) => {
  const page = begin(t);
  const theirs = () => {};
  page.window.addEventListener = theirs;
  const end = callLate(page.isRunning);
  assert.notEqual(page.window.addEventListener, theirs);
  end(true);
  assert.equal(page.window.addEventListener, theirs);
});

test("an event of the page's start has passed when the browser has timed it, and not where it times nothing", (t) => {
  const { reach } = begin(t, "parsing");
  const passed = () => [hasPassed("domContentLoadedEventStart"), hasPassed("loadEventStart")];
  assert.deepEqual(passed(), [false, false]);
  reach.interactive();
  assert.deepEqual(passed(), [true, false]);
  reach.complete();
  assert.deepEqual(passed(), [true, true]);
  performance.getEntriesByType = () => [];
  assert.deepEqual(passed(), [false, false]);
});

test("an event that is yet to come has not passed where the browser rounds the time of what has not been to 1", (t) => {
  const { document } = begin(t, "parsing");
  const rounded = { domContentLoadedEventStart: 1, loadEventStart: 1 };
  for (const [state, domInteractive] of [
    ["loading", 1],
    ["interactive", 50],
    ["complete", 50],
  ]) {
    document.readyState = state;
    performance.getEntriesByType = () => [{ ...rounded, domInteractive }];
    assert.equal(hasPassed("domContentLoadedEventStart"), false, state);
    assert.equal(hasPassed("loadEventStart"), false, state);
  }
});

// Overrides ----------------------------------------------------------------------------------------------

test("overrides may end in any order: the last that has not ended is on top, and in the end all is as it was", () => {
  const theirs = { value: () => "theirs", configurable: true, enumerable: true, writable: false };
  for (const before of [undefined, theirs]) {
    for (const order of ["abc", "acb", "bac", "bca", "cab", "cba"]) {
      const target = Object.create({ write: () => "native" });
      if (before) Object.defineProperty(target, "write", before);
      const left = ["a", "b", "c"];
      const ends = Object.fromEntries(left.map((name) => [name, override(target, "write", () => name)]));
      for (const name of order) {
        assert.equal(target.write(), left.at(-1), order);
        ends[name]();
        left.splice(left.indexOf(name), 1);
      }
      assert.deepEqual(Object.getOwnPropertyDescriptor(target, "write"), before, order);
    }
  }
});

test("a function that was made of an override's is not taken for it: it stays", () => {
  for (const make of [
    (ours) => Object.assign(() => ours(), ours),
    (ours) => Object.setPrototypeOf(() => ours(), ours),
  ]) {
    const target = { write: () => "native" };
    const ours = () => "ours";
    const end = override(target, "write", ours);
    const theirs = make(ours);
    target.write = theirs;
    end();
    override(target, "write", () => "next")();
    assert.equal(target.write, theirs);
  }
});

// Writes -------------------------------------------------------------------------------------------------

for (const name of ["write", "writeln"]) {
  test(`document.${name} of the running script is dropped, reported, and told in the console`, (t) => {
    const told = t.mock.method(console, "error", () => {});
    const page = begin(t);
    const end = dropWrites(page.isRunning);
    page.during(() => page.document[name]("<p>", "text"));
    assert.deepEqual(page.document.written, []);
    assert.equal(end(), true);
    const [[message, ...text]] = told.mock.calls.map((call) => call.arguments);
    assert.ok(message.startsWith(`ViralJS: document.${name}() `), message);
    assert.deepEqual(text, ["<p>", "text"]);
  });

  test(`document.${name} of others passes through, and is not reported`, (t) => {
    const told = t.mock.method(console, "error", () => {});
    const page = begin(t);
    const end = dropWrites(page.isRunning);
    page.meanwhile(() => page.document[name]("another's", "text"));
    page.document[name]("a callback's");
    assert.deepEqual(page.document.written, [
      [name, "another's", "text"],
      [name, "a callback's"],
    ]);
    assert.equal(end(), false);
    assert.equal(told.mock.callCount(), 0);
  });

  test(`after the run document.${name} is the browser's own again`, (t) => {
    const page = begin(t);
    dropWrites(page.isRunning)();
    assert.equal(Object.hasOwn(page.document, name), false);
    page.during(() => page.document[name]("late"));
    assert.deepEqual(page.document.written, [[name, "late"]]);
  });
}
