/** Finds out what the site's own service worker does with bundles: one that stores them must never get a thin client. */

import { writeCookie } from "./cookies.js";
import { CACHE } from "./kept.js";
import { isOwn } from "./urls.js";

/** By then a worker that stores what it passes on has done so. */
const SETTLED_MS = 1000;
/** How long the server may go by what was found. Each page that seeds looks again. */
const KNOWN_SECONDS = 86400;

/**
 * Tell the server by a cookie whether the worker that controls this page stores a bundle, and take a thin client out of
 * its cache that it should not have.
 *
 * @param {string | undefined} cookie its name
 * @param {string} url of the bundle
 */
export async function watchWorker(cookie, url) {
  // Islands of older releases, which caches keep, name no cookie.
  if (!cookie || !navigator.serviceWorker?.controller || !isOwn(url)) return;
  await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
  let keeps = false;
  for (const name of await caches.keys()) {
    if (name === CACHE) continue;
    const cache = await caches.open(name);
    for (const request of await cache.keys(url, { ignoreSearch: true, ignoreVary: true })) {
      keeps = true;
      const response = await cache.match(request, { ignoreVary: true });
      if (response?.headers.get("ViralJS-Delivery") === "thin") await cache.delete(request, { ignoreVary: true });
    }
  }
  writeCookie(cookie, keeps ? "keeps" : "passes", KNOWN_SECONDS);
}
