import assert from "node:assert/strict";
import test from "node:test";
import { fakePage, fakeStart, flush, patch, until } from "./support.js";

/** Run the starter of a module whose code sets `ran`; a page may have a linker, and an order for it. */
async function start(t, { linker, linked = 1, before, code = "globalThis.ran = true" } = {}) {
  const { document, window } = fakePage(t);
  const script = {};
  document.running = script;
  const turns = new Map(before && [[script, { before }]]);
  if (linker || before)
    window.ViralJS = {
      modules: linker && Promise.resolve(linker),
      linked: linker && linked,
      turns,
      last: () => before,
    };
  const errors = [];
  patch(t, {
    ran: false,
    reportError: (error) => errors.push(error.message),
    __VIRALJS__: {
      url: `data:text/javascript,${encodeURIComponent(`${code} // ${t.name}`)}`,
    },
  });
  document.baseURI = "https://a.example/page";
  performance.getEntriesByType ??= () => [];
  await import(`../../viraljs/client/start.js?${encodeURIComponent(t.name)}`);
  await flush();
  return { errors, window };
}

test("it imports the module by its own URL, and says so to others", async (t) => {
  const { errors, window } = await start(t);
  assert.equal(globalThis.ran, true);
  assert.equal(window.viraljsNative, true);
  assert.deepEqual(errors, []);
});

test("beside a module that runs from where it was linked, it has it linked too", async (t) => {
  const loaded = [];
  const { window } = await start(t, {
    linker: { load: async (...asked) => loaded.push(asked) },
  });
  assert.equal(globalThis.ran, false);
  assert.equal(window.viraljsNative, undefined);
  assert.match(loaded[0][0], /^data:/);
  assert.equal(loaded[0][1], "https://a.example/page");
});

test("a module that is still being linked may yet run from its own URL, as this one does", async (t) => {
  const { window } = await start(t, {
    linker: { load: () => assert.fail("not asked") },
    linked: 0,
  });
  assert.deepEqual([globalThis.ran, window.viraljsNative], [true, true]);
});

test("behind a bundle that is on its way it waits for its turn", async (t) => {
  let end;
  const before = new Promise((resolve) => {
    end = resolve;
  });
  await start(t, { before });
  assert.equal(globalThis.ran, false);
  end();
  await flush();
  assert.equal(globalThis.ran, true);
});

test("an error of the module is one of the page", async (t) => {
  const { errors } = await start(t, { code: "throw new Error('on purpose')" });
  assert.deepEqual(errors, ["on purpose"]);
});

test("the page's DOMContentLoaded comes after the module has run", async (t) => {
  let run;
  globalThis.waits = new Promise((resolve) => {
    run = resolve;
  });
  const page = fakeStart(t, "parsing");
  const heard = [];
  page.document.addEventListener("DOMContentLoaded", () => heard.push(globalThis.ran));
  const url = `data:text/javascript,${encodeURIComponent("await globalThis.waits; globalThis.ran = true")}`;
  patch(t, { ran: false, reportError: assert.fail, __VIRALJS__: { url } });
  page.document.running = {};
  await import("../../viraljs/client/start.js?waits");
  page.reach.interactive();
  await flush();
  assert.deepEqual(heard, []);
  run();
  await until(() => heard.length);
  assert.deepEqual(heard, [true]);
});
