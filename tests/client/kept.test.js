import assert from "node:assert/strict";
import test from "node:test";
import { toHex } from "../../viraljs/client/digest.js";
import { CACHE, findKept, keptUrl } from "../../viraljs/client/kept.js";
import { sha256Sync } from "../../viraljs/client/sha256.js";
import { CRYPTO, fakeCaches, makeBytes, patch } from "./support.js";

const SRC = "https://a.example/js/app.js?v=1";
const { bytes } = makeBytes();
const ISLAND = { base: "/viraljs", client: "client", digest: toHex(sha256Sync(bytes)) };

/** A browser in whose storage there are these bytes, under the bundle's URL. */
function begin(t, kept) {
  t.mock.method(console, "debug", () => {});
  const stored = fakeCaches(t);
  patch(t, { crypto: CRYPTO });
  const url = `${keptUrl(ISLAND, SRC)}?size=1000&src=x`;
  if (kept) stored.set(CACHE, new Map([[url, new Blob([kept], { type: "text/javascript" })]]));
  return stored;
}

test("a bundle is kept under its digest, by its server", () => {
  assert.equal(keptUrl(ISLAND, SRC), `https://a.example/viraljs/kept/${ISLAND.digest}`);
});

test("a bundle that was kept is found, with its type, whatever else was written to its URL", async (t) => {
  begin(t, bytes);
  const blob = await findKept(ISLAND, SRC);
  assert.equal(blob.type, "text/javascript");
  assert.deepEqual(new Uint8Array(await blob.arrayBuffer()), bytes);
});

test("nothing is found where nothing was kept, or another bundle", async (t) => {
  begin(t);
  assert.equal(await findKept(ISLAND, SRC), null);
  begin(t, bytes);
  assert.equal(await findKept({ ...ISLAND, digest: "01234567".repeat(8) }, SRC), null);
});

test("other bytes under its name are not the bundle: a changed one, a short one, none", async (t) => {
  const changed = bytes.slice();
  changed[500] ^= 1;
  for (const wrong of [changed, bytes.subarray(1), new Uint8Array(0)]) {
    begin(t, wrong);
    assert.equal(await findKept(ISLAND, SRC), null);
  }
});

test("a browser without storage, or with one that fails, has kept nothing", async (t) => {
  begin(t, bytes);
  patch(t, { caches: undefined });
  assert.equal(await findKept(ISLAND, SRC), null);
  patch(t, { caches: { match: () => Promise.reject(new DOMException("denied", "SecurityError")) } });
  assert.equal(await findKept(ISLAND, SRC), null);
});

test("the name itself may be missing, as on a page of plain http", async (t) => {
  begin(t, bytes);
  delete globalThis.caches;
  assert.equal(await findKept(ISLAND, SRC), null);
});
