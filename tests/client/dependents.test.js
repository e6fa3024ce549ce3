import assert from "node:assert/strict";
import test from "node:test";
import { fakePage } from "./support.js";

/** Load the script into a page; gives how often it looked for dependents. */
async function looks(t, viral) {
  const { window } = fakePage(t);
  if (viral) window.ViralJS = viral;
  let looked = 0;
  t.mock.method(Document.prototype, "querySelector", () => {
    looked++;
    return null;
  });
  await import(`../../viraljs/client/dependents.js?${encodeURIComponent(t.name)}`);
  return looked;
}

test("where the bundle came without ViralJS, its dependents are run", async (t) => {
  assert.equal(await looks(t, null), 1);
});

test("where ViralJS is there, it runs them itself", async (t) => {
  assert.equal(await looks(t, { turns: new WeakMap(), last() {} }), 0);
});
