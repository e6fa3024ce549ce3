/** The URLs that the client asks, all relative to the script that it came in. */

const PARAMETER = /([?&])viraljs=[^&]*&?/;

/**
 * The URL of a bundle as its page wrote it, without our mark.
 *
 * @param {string} src
 */
export const plainUrl = (src) => src.replace(PARAMETER, "$1").replace(/[?&]$/, "");

/**
 * The URL that always gives the untouched bundle.
 *
 * @param {string} src
 */
export function directUrl(src) {
  const plain = plainUrl(src.replace(/#.*/, ""));
  return `${plain}${plain.includes("?") ? "&" : "?"}viraljs=direct`;
}

/**
 * @param {string} src
 * @returns {boolean} whether it is of the page's own origin
 */
export const isOwn = (src) => new URL(src).origin === window.origin;

/**
 * @param {{base: string}} island
 * @param {string} src of the script
 * @param {string} name of the endpoint
 */
export const endpoint = (island, src, name) => new URL(`${island.base}/${name}`, src).href;
