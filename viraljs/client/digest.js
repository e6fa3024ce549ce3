/** SHA-256 in whichever way the page offers, and the texts that digests come in. */

import { endpoint } from "./urls.js";

/** @typedef {(bytes: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>} Hash */

/**
 * Find a way to hash: the browser's, or our own, loaded now, on a page of plain http.
 *
 * @param {{base: string, client: string}} island
 * @param {string} src of the script
 * @returns {Promise<Hash>}
 */
export async function findHash(island, src) {
  if (globalThis.crypto?.subtle) {
    return async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  }
  return (await import(endpoint(island, src, `${island.client}/sha256.js`))).sha256;
}

/** @param {string} text base64 */
export const fromBase64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

/** @param {Uint8Array} bytes */
export const toHex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
