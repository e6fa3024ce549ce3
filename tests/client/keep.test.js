import assert from "node:assert/strict";
import test from "node:test";
import { keep } from "../../viraljs/client/keep.js";
import { CACHE, keptUrl } from "../../viraljs/client/kept.js";
import { fakeCaches, patch } from "./support.js";

const ORIGIN = "https://a.example";
const COOKIE = "viraljs_kept";
const BUDGET = 1000;

/** What the server is told of a digest. */
const nameOf = (number) => `${number}`.padStart(8, "0");
const digestOf = (number) => nameOf(number).padEnd(64, "f");
const numberOf = (url) => Number(url.match(/kept\/(\d{8})/)[1]);

/** A browser that keeps bundles, each known by a number: it names the digest. */
function begin(t, { budget = BUDGET } = {}) {
  const stored = fakeCaches(t);
  const document = { cookie: "" };
  patch(t, { document });
  const islandOf = (number, size) => ({
    base: "/viraljs",
    client: "client",
    digest: digestOf(number),
    size,
    cache: budget,
    keptCookie: COOKIE,
  });
  return {
    document,
    keep: (number, size, src = `${ORIGIN}/${number}.js`) =>
      keep(islandOf(number, size), src, new Blob([new Uint8Array(size)], { type: "text/javascript" })),
    /** Numbers of the bundles that are there, in order. */
    numbers: () => [...(stored.get(CACHE)?.keys() ?? [])].map(numberOf),
    blobOf: (number) => [...stored.get(CACHE)].find(([url]) => numberOf(url) === number)?.[1],
    /** Digits of the digests that the server is told of. */
    told: () => document.cookie.match(/^viraljs_kept=([^;]*)/)[1].split("."),
  };
}

test("a bundle is kept with its bytes and type, where a later visit looks for it", async (t) => {
  const b = begin(t);
  await b.keep(11, 300);
  const blob = b.blobOf(11);
  assert.deepEqual([blob.size, blob.type], [300, "text/javascript"]);
  const response = await caches.match(keptUrl({ base: "/viraljs", digest: digestOf(11) }, `${ORIGIN}/11.js`), {
    cacheName: CACHE,
    ignoreSearch: true,
  });
  assert.equal((await response.blob()).size, 300);
});

test("the server is told by a cookie for a year, with eight digits of each digest", async (t) => {
  const b = begin(t);
  await b.keep(11, 300);
  assert.equal(b.document.cookie, `${COOKIE}=${nameOf(11)}; path=/; max-age=31536000; samesite=lax`);
  await b.keep(12, 300);
  assert.deepEqual(b.told(), [nameOf(11), nameOf(12)]);
});

test("what does not fit into the budget puts the oldest out", async (t) => {
  const b = begin(t);
  for (const number of [11, 12, 13]) await b.keep(number, 300);
  assert.deepEqual(b.numbers(), [11, 12, 13]);
  await b.keep(14, 300);
  assert.deepEqual(b.numbers(), [12, 13, 14]);
  await b.keep(15, 500);
  assert.deepEqual(b.numbers(), [14, 15]);
  assert.equal(b.told().length, 2);
});

test("a bundle that fills the budget to the last byte is kept, alone", async (t) => {
  const b = begin(t);
  await b.keep(11, 1);
  await b.keep(12, BUDGET);
  assert.deepEqual(b.numbers(), [12]);
});

test("a new version of the same URL takes the place of the old one; other URLs stay", async (t) => {
  const b = begin(t);
  await b.keep(11, 100, `${ORIGIN}/app.js?a=1&b=2`);
  await b.keep(12, 100, `${ORIGIN}/app.js?a=1`);
  await b.keep(13, 100, `${ORIGIN}/app.js?a=1&b=2`);
  assert.deepEqual(b.numbers(), [12, 13]);
});

test("the same bundle again, by this URL or another one, is there once, as the newest", async (t) => {
  const b = begin(t);
  for (const number of [11, 12, 11]) await b.keep(number, 300);
  assert.deepEqual(b.numbers(), [12, 11]);
  await b.keep(12, 300, `${ORIGIN}/other.js`);
  assert.deepEqual(b.numbers(), [11, 12]);
});

test("one that is larger than the budget is not kept, and costs no other its place, but its old version goes", async (t) => {
  const b = begin(t);
  await b.keep(11, 300);
  await b.keep(12, 300);
  await b.keep(13, BUDGET + 1, `${ORIGIN}/11.js`);
  assert.deepEqual(b.numbers(), [12]);
  assert.deepEqual(b.told(), [nameOf(12)]);
});

test("a budget of nothing keeps nothing, and the cookie goes", async (t) => {
  const b = begin(t, { budget: 0 });
  await b.keep(11, 300);
  assert.deepEqual(b.numbers(), []);
  assert.equal(b.document.cookie, `${COOKIE}=; path=/; max-age=0; samesite=lax`);
});

test("a budget that became smaller puts out what is too much", async (t) => {
  const large = begin(t);
  for (const number of [11, 12, 13]) await large.keep(number, 300);
  const island = { base: "/viraljs", digest: digestOf(14), size: 100, cache: 400, keptCookie: COOKIE };
  await keep(island, `${ORIGIN}/14.js`, new Blob([new Uint8Array(100)]));
  assert.deepEqual(large.numbers(), [13, 14]);
});

test("the cookie stays small: it tells of the newest 32", async (t) => {
  const b = begin(t);
  for (let number = 1; number <= 40; number++) await b.keep(number, 1);
  assert.equal(b.numbers().length, 40);
  assert.deepEqual(
    b.told(),
    Array.from({ length: 32 }, (_, at) => nameOf(at + 9)),
  );
});
