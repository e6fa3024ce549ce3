/** Script elements in place of others. */

import { insert, ofDocument, readyState } from "./builtins.js";

/** @returns {HTMLScriptElement} one of HTML, also where the document is an SVG */
export const makeScript = () => ofDocument("createElementNS").call(document, "http://www.w3.org/1999/xhtml", "script");

/**
 * Make a script element like another one, except where it is loaded from.
 *
 * @param {HTMLScriptElement} original
 */
export function copyScript(original) {
  const script = makeScript();
  for (const attribute of original.attributes) {
    // Events are the original's, whose handlers hear them there. Of other names, a parser takes more than `setAttribute`.
    if (!/^(src$|on)/.test(attribute.name)) script.setAttributeNode(/** @type {Attr} */ (attribute.cloneNode()));
  }
  // The attribute reads as empty: browsers hide it from the page.
  script.nonce = original.nonce;
  return script;
}

/**
 * Whether a script, which runs now, is waited for: by the parser, or by the scripts behind it that a loader has put in
 * line.
 *
 * @param {HTMLScriptElement} script
 */
export const isWanted = ({ async, defer }) => !async && !(defer && readyState() !== "loading");

/**
 * Let a script be loaded and run, unseen by those that look for scripts in the document.
 *
 * @param {HTMLScriptElement} script
 * @param {any} url as the page's policy wants it
 * @param {(ran: boolean | null) => void} ended called at once after it ran, before any other script; null if it said nothing
 * @param {number} [patience] milliseconds; a script that says nothing until then will not run any more
 */
export function load(script, url, ended, patience) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  script.onload = script.onerror = (event) => {
    clearTimeout(timer);
    ended(/** @type {Event} */ (event).type === "load");
  };
  script.src = url;
  insert(script);
  // It had to be in the document to be loaded. To run, it need not be there (HTML, "execute the script element").
  script.remove();
  if (!patience) return;
  function giveUp() {
    script.onload = script.onerror = null;
    forbid(script);
    ended(null);
  }
  // Where the page itself was busy, its events are still on their way when the time is up.
  timer = setTimeout(() => {
    timer = setTimeout(giveUp, patience / 10);
  }, patience);
}

/**
 * Keep a script from running that has not run yet: one that is in another document by then does not (HTML, "execute the
 * script element").
 *
 * @param {HTMLScriptElement} script
 */
export const forbid = (script) => ofDocument("implementation").createHTMLDocument("").adoptNode(script);
