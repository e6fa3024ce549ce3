/** The URLs that the client asks, all relative to the script that it came in. */

const PARAMETER = /([?&])viraljs=[^&#]*&?/;

/**
 * The URL of a bundle as its page wrote it, without our mark.
 *
 * @param {string} src
 */
export const plainUrl = (src) => src.replace(PARAMETER, "$1").replace(/[?&](?=#|$)/, "");

/**
 * The URL that always gives the untouched bundle: a path of its own, since some caches ignore the query. The app may
 * stand deeper in its site than it knows, so the rest of the URL is the script's. A server that could not name the path
 * has a query for it.
 *
 * @param {{url: string, direct?: string}} island
 * @param {string} src of the script
 */
export function directUrl({ url, direct }, src) {
  const plain = plainUrl(src.replace(/#.*/, ""));
  return direct && plain.endsWith(url) ? plain.slice(0, -url.length) + direct : markedUrl(src, "direct");
}

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
 * @returns {string} the path by which the server made this page, whatever `history` has made of its address since
 */
export function pagePath() {
  const [timing] = performance.getEntriesByType("navigation");
  return new URL(timing?.name ?? location.href, location.href).pathname;
}

/**
 * @param {{base: string}} island
 * @param {string} src of the script
 * @param {string} name of the endpoint
 */
export const endpoint = (island, src, name) => new URL(`${island.base}/${name}`, src).href;
