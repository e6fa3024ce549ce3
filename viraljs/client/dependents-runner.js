/** Runs `<script type="text/viral">`: scripts that need a bundle, in order, once it has run. */

import { copyScript } from "./scripts.js";

/** Run all that wait, one after another. */
export async function runDependents() {
  /** @type {HTMLScriptElement | null} */
  let dormant;
  // biome-ignore lint/suspicious/noAssignInExpressions: each one is gone from the document when it has run
  while ((dormant = document.querySelector('script[type="text/viral"]'))) {
    const script = copyScript(dormant);
    script.type = "";
    script.text = dormant.text;
    const loaded = new Promise((resolve) => {
      script.onload = script.onerror = resolve;
    });
    dormant.replaceWith(script);
    if (script.src) await loaded;
  }
}
