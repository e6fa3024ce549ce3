/** How clients find each other on a page, also those of several versions, which caches and deployments bring together. */

import { ownGlobal } from "./builtins.js";

/** No element can have a symbol for its name. */
const PAGE = Symbol.for("viraljs");

/**
 * The page's one object. A client without the symbol is known by the public face: `last` is its newest member, so that
 * who has it has all.
 *
 * @returns {Window["ViralJS"]} undefined before the first client has made it
 */
export function findPage() {
  const face = ownGlobal("ViralJS");
  return /** @type {any} */ (window)[PAGE] ?? (face?.turns && face.last ? face : undefined);
}

/** @param {NonNullable<Window["ViralJS"]>} page */
export function keepPage(page) {
  /** @type {any} */ (window)[PAGE] = page;
  // What the page itself has under this name stays; and nobody but the page needs ours.
  if (Object.getOwnPropertyDescriptor(window, "ViralJS")) console.debug("window.ViralJS is taken");
  else window.ViralJS = page;
}
