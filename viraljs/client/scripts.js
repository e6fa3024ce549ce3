/** Script elements in place of others. */

/**
 * Make a script element like another one, except where it is loaded from.
 *
 * @param {HTMLScriptElement} original
 */
export function copyScript(original) {
  const script = document.createElement("script");
  for (const attribute of original.attributes) {
    // Events are the original's, whose handlers hear them there. Of other names, a parser takes more than `setAttribute`.
    if (!/^(src$|on)/.test(attribute.name)) script.setAttributeNode(/** @type {Attr} */ (attribute.cloneNode()));
  }
  // The attribute reads as empty: browsers hide it from the page.
  script.nonce = original.nonce;
  return script;
}

/**
 * Let a script be loaded and run, unseen by those that look for scripts in the document.
 *
 * @param {HTMLScriptElement} script
 * @param {any} url as the page's policy wants it
 * @param {(ran: boolean) => void} ended called at once after it ran, before any other script
 */
export function load(script, url, ended) {
  script.onload = script.onerror = (event) => ended(/** @type {Event} */ (event).type === "load");
  script.src = url;
  document.documentElement.append(script);
  // It had to be in the document to be loaded. To run, it need not be there (HTML, "execute the script element").
  script.remove();
}
