/** Script elements in place of others. */

/**
 * Make a script element like another one, except where it is loaded from.
 *
 * @param {HTMLScriptElement} original
 */
export function copyScript(original) {
  const script = document.createElement("script");
  for (const { name, value } of original.attributes) if (name !== "src") script.setAttribute(name, value);
  // The attribute reads as empty: browsers hide it from the page.
  script.nonce = original.nonce;
  script.async = false;
  return script;
}
