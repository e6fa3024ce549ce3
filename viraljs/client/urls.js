/** The URLs that the client asks, all relative to the script that it came in. */

const PARAMETER = /([?&])viraljs=[^&#]*&?/;

/**
 * The URL of a bundle as its page wrote it, without our mark.
 *
 * @param {string} src
 */
export const plainUrl = (src) => src.replace(PARAMETER, "$1").replace(/[?&](?=#|$)/, "");

/**
 * The URL that always gives the untouched bundle.
 *
 * @param {string} src
 */
export const directUrl = (src) => markedUrl(src, "direct");

/**
 * @param {string} src
 * @param {string} mark says what is asked for
 */
export function markedUrl(src, mark) {
  const plain = plainUrl(src.replace(/#.*/, ""));
  return `${plain}${plain.includes("?") ? "&" : "?"}viraljs=${mark}`;
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
