/** Keeps verified bundles for the next visit, within a budget, and tells the server which. */

import { writeCookie } from "./cookies.js";
import { CACHE, KEPT_DIGITS, keptUrl } from "./kept.js";

const SECONDS = 31536000;
/** As many as fit into a small cookie. */
const MOST = 32;

/**
 * @param {import("./types.js").ReceivingIsland} island
 * @param {string} src of the script
 * @param {Blob} blob its bytes
 */
export async function keep(island, src, blob) {
  const cache = await caches.open(CACHE);
  const { size, cache: budget } = island;
  /** @param {URL} url */
  const sizeOf = (url) => Number(url.searchParams.get("size"));
  // In the order in which they came. An older bundle of the same URL has had its time.
  const kept = (await cache.keys()).map(({ url }) => new URL(url));
  const own = new URL(keptUrl(island, src));
  let total = size > budget ? 0 : size;
  for (const url of kept) total += sizeOf(url);
  const rest = [];
  for (const url of kept) {
    if (url.pathname === own.pathname || url.searchParams.get("src") === src || total > budget) {
      total -= sizeOf(url);
      await cache.delete(url);
    } else rest.push(url);
  }
  if (size <= budget) {
    own.search = `${new URLSearchParams({ size: `${size}`, src })}`;
    await cache.put(own, new Response(blob));
    rest.push(own);
  }
  const digests = rest.map(({ pathname }) => pathname.replace(/.*\//, "").slice(0, KEPT_DIGITS));
  writeCookie(island.keptCookie, digests.slice(-MOST).join("."), digests.length && SECONDS);
}
