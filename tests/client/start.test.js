import assert from "node:assert/strict";
import test from "node:test";
import { fakePage, flush, patch } from "./support.js";

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
