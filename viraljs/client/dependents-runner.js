/** Runs `<script type="text/viral">`: scripts that need a bundle, in order, once it has run. */

import { copyScript } from "./scripts.js";

let running = false;

/** Run all that wait, one after another, however often this is called. */
export async function runDependents() {
  if (running) return;
  running = true;
  /** @type {HTMLScriptElement | null} */
  let dormant;
  // biome-ignore lint/suspicious/noAssignInExpressions: each one is gone from the document when it has run
  while ((dormant = document.querySelector('script[type="text/viral"]'))) {
    const script = copyScript(dormant);
    script.type = "";
    if (dormant.src) script.src = dormant.src;
    else script.text = dormant.text;
    const loaded = new Promise((resolve) => {
      script.onload = script.onerror = resolve;
    });
    dormant.replaceWith(script);
    if (script.src) await loaded;
  }
  running = false;
}
