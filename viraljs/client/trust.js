/** Makes strings fit for script elements where the page's policy asks for it (W3C Trusted Types). */

const POLICY = "viraljs";

/** @type {Record<string, (text: string) => any> | undefined} */
let policy;

function findPolicy() {
  const same = (/** @type {string} */ text) => text;
  try {
    return (
      window.trustedTypes?.createPolicy(POLICY, { createHTML: same, createScript: same, createScriptURL: same }) ?? {}
    );
  } catch {
    // Not allowed here. The page's own default policy may take strings; else the browser refuses them.
    return {};
  }
}

/**
 * @param {string} text a URL that our own server or a verified blob has given, or the text of a script of the page or its
 *   tag
 * @param {"createScriptURL" | "createScript" | "createHTML"} [kind]
 * @returns {any}
 */
export function trust(text, kind = "createScriptURL") {
  policy ??= findPolicy();
  return policy[kind]?.(text) ?? text;
}
