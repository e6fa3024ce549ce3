/** Cookies, which tell the server what became of a visitor's deliveries. */

/** Whose property to use: what a page puts over it, such as a consent manager, counts; an element of that name does not. */
const holder = () => (typeof document.cookie === "string" ? document : Document.prototype);

/** @returns {string} */
export function allCookies() {
  try {
    return Reflect.get(holder(), "cookie", document);
  } catch (error) {
    // A sandboxed page has none, and says so by an error.
    console.debug(error);
    return "";
  }
}

/**
 * @param {string} name
 * @returns {number | undefined} undefined where there is none
 */
export function readCookie(name) {
  const digits = allCookies().match(`(?:^|; )${name}=(\\d+)`)?.[1];
  return digits === undefined ? digits : Number(digits);
}

/**
 * @param {string} name
 * @param {number | string} value
 * @param {number} seconds to keep it; 0 forgets it
 */
export function writeCookie(name, value, seconds) {
  const text = `${name}=${value}; path=/; max-age=${seconds}; samesite=lax`;
  try {
    Reflect.set(holder(), "cookie", text, document);
  } catch (error) {
    console.debug(error);
  }
}
