/** Script elements in place of others. */

/**
 * Make a script element like another one, except where it is loaded from.
 *
 * @param {HTMLScriptElement} original
 * @param {string[]} but names of attributes to leave out
 */
export function copyScript(original, but) {
  const script = document.createElement("script");
  for (const { name, value } of original.attributes) if (!but.includes(name)) script.setAttribute(name, value);
  // The attribute reads as empty: browsers hide it from the page.
  script.nonce = original.nonce;
  script.async = false;
  return script;
}
