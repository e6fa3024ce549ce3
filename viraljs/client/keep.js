/** Keeps verified bundles for the next visit, within a budget, and tells the server which. */

import { writeCookie } from "./cookies.js";
import { CACHE, KEPT_DIGITS, keptUrl } from "./kept.js";

const SECONDS = 31536000;
/** As many as fit into a small cookie. */
const MOST = 32;

/** Bundles of one page are kept one after another, lest two of them see the same room. */
let before = Promise.resolve();

/**
 * @param {import("./types.js").ReceivingIsland} island
 * @param {string} src of the script
 * @param {Blob} blob its bytes
 */
export function keep(island, src, blob) {
  before = before.then(() => keepNow(island, src, blob)).catch(console.debug);
  return before;
}

/**
 * @param {import("./types.js").ReceivingIsland} island
 * @param {string} src of the script
 * @param {Blob} blob its bytes
 */
async function keepNow(island, src, blob) {
  const cache = await caches.open(CACHE);
  const own = new URL(keptUrl(island, src));
  const fits = island.size <= island.cache;
  let total = fits ? island.size : 0;
  /** @type {URL[]} in the order in which they came */
  const others = [];
  for (const { url } of await cache.keys()) {
    const other = new URL(url);
    // An older bundle of the same URL has had its time.
    if (other.pathname === own.pathname || other.searchParams.get("src") === src) await cache.delete(url);
    else others.push(other);
  }
  for (const other of others) total += sizeOf(other);
  while (total > island.cache) {
    const oldest = /** @type {URL} */ (others.shift());
    total -= sizeOf(oldest);
    await cache.delete(oldest);
  }
  try {
    if (!fits) return;
    own.search = `${new URLSearchParams({ size: `${island.size}`, src })}`;
    await cache.put(own, new Response(blob));
    others.push(own);
  } finally {
    // Also where there was no room: what left is not to be promised.
    const digests = others.map(({ pathname }) => pathname.replace(/.*\//, "").slice(0, KEPT_DIGITS));
    writeCookie(island.keptCookie, digests.slice(-MOST).join("."), digests.length && SECONDS);
  }
}

/** @param {URL} url of an entry */
const sizeOf = (url) => Number(url.searchParams.get("size"));
