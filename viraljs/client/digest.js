/** SHA-256 in whichever way the page offers, and the texts that digests come in. */

import { endpoint } from "./urls.js";

/** @typedef {(bytes: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>} Hash */

/** How long the browser's own way may take: much more than any bundle needs that is hashed as a whole. */
export const HASH_MS = 2000;

/**
 * Find a way to hash: the browser's, or our own, loaded when it is needed: on a page of plain http, or where somebody has
 * put something into the browser's place that gives no answer.
 *
 * @param {{base: string, client: string}} island
 * @param {string} src of the script
 * @returns {Promise<Hash>}
 */
export async function findHash(island, src) {
  const loadOwn = async () => (await import(endpoint(island, src, `${island.client}/sha256.js`))).sha256;
  if (!globalThis.crypto?.subtle) return loadOwn();
  /** @type {ReturnType<typeof loadOwn> | undefined} once the browser's way owes an answer */
  let own;
  return async (bytes) => {
    if (own) return (await own)(bytes);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        own = loadOwn();
        own.then((sha256) => own && resolve(sha256(bytes)), reject);
      }, HASH_MS);
      crypto.subtle
        .digest("SHA-256", bytes)
        .then((digest) => resolve(new Uint8Array(digest)), reject)
        .finally(() => {
          clearTimeout(timer);
          // It was the page that had no time.
          own = undefined;
        });
    });
  };
}

/** @param {string} text base64 */
export const fromBase64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

/** @param {Uint8Array} bytes */
export const toHex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
