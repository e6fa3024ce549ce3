/** Bundles of earlier visits, in Cache Storage under their digests. Looks there; `keep.js` puts them in. */

import { findHash, toHex } from "./digest.js";
import { endpoint } from "./urls.js";

export const CACHE = "viraljs";

/** What the cookie says of each digest: the server, and `deliver.js`, look there first. */
export const KEPT_DIGITS = 8;

/**
 * @param {{base: string, digest: string}} island
 * @param {string} src of the script
 */
export const keptUrl = (island, src) => endpoint(island, src, `kept/${island.digest}`);

/**
 * Find a bundle that was kept, and make sure of it.
 *
 * @param {{base: string, client: string, digest: string}} island
 * @param {string} src of the script
 * @returns {Promise<Blob | null>} null where there is none, or other bytes under its name, or no storage
 */
export async function findKept(island, src) {
  try {
    const response = await caches.match(keptUrl(island, src), { cacheName: CACHE, ignoreSearch: true });
    const blob = await response?.blob();
    if (!blob) return null;
    const hash = await findHash(island, src);
    return toHex(await hash(new Uint8Array(await blob.arrayBuffer()))) === island.digest ? blob : null;
  } catch (error) {
    console.debug(error);
    return null;
  }
}
