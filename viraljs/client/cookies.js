/** Cookies, which tell the server what became of a visitor's deliveries. */

/**
 * @param {string} name
 * @returns {number | undefined} undefined where there is none
 */
export function readCookie(name) {
  const digits = document.cookie.match(`(?:^|; )${name}=(\\d+)`)?.[1];
  return digits === undefined ? digits : Number(digits);
}

/**
 * @param {string} name
 * @param {number | string} value
 * @param {number} seconds to keep it; 0 forgets it
 */
export function writeCookie(name, value, seconds) {
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing on plain http and in Firefox
  document.cookie = `${name}=${value}; path=/; max-age=${seconds}; samesite=lax`;
}
