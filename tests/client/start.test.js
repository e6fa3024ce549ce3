import assert from "node:assert/strict";
import test from "node:test";
import { fakePage, flush, patch } from "./support.js";

/** Run the starter of a module whose code sets `ran`; a page may have a linker. */
async function start(t, { linker, code = "globalThis.ran = true" } = {}) {
  const { window } = fakePage(t);
  if (linker) window.ViralJS = { modules: Promise.resolve(linker) };
  const errors = [];
  patch(t, {
    ran: false,
    location: { href: "https://a.example/page" },
    reportError: (error) => errors.push(error.message),
    __VIRALJS__: { url: `data:text/javascript,${encodeURIComponent(`${code} // ${t.name}`)}` },
  });
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

test("beside a module that is being linked, it has it linked too", async (t) => {
  const loaded = [];
  const { window } = await start(t, { linker: { load: async (...asked) => loaded.push(asked) } });
  assert.equal(globalThis.ran, false);
  assert.equal(window.viraljsNative, undefined);
  assert.match(loaded[0][0], /^data:/);
  assert.equal(loaded[0][1], "https://a.example/page");
});

test("an error of the module is one of the page", async (t) => {
  const { errors } = await start(t, { code: "throw new Error('on purpose')" });
  assert.deepEqual(errors, ["on purpose"]);
});
