/** Small numbers in cookies, which tell the server what became of a visitor's deliveries. */

/**
 * @param {string} name
 * @returns {string | undefined} digits
 */
export const readCookie = (name) => document.cookie.match(`(?:^|; )${name}=(\\d+)`)?.[1];

/**
 * @param {string} name
 * @param {number} value
 * @param {number} seconds to keep it; 0 forgets it
 */
export function writeCookie(name, value, seconds) {
  document.cookie = `${name}=${value}; path=/; max-age=${seconds}; samesite=lax`;
}
