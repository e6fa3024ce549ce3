/** Runs `<script type="text/viral">`: scripts that need a bundle, in order, once it has run. */

import { ofDocument } from "./builtins.js";
import { callLate, dropWrites, runningScript } from "./late.js";
import { copyScript } from "./scripts.js";
import { trust as ownTrust } from "./trust.js";
import { findPage } from "./versions.js";

let running = false;

/** Run all that wait, one after another, however often this is called. */
export async function runDependents() {
  if (running) return;
  running = true;
  /** @type {HTMLScriptElement | null} */
  let dormant;
  // biome-ignore lint/suspicious/noAssignInExpressions: each one is gone from the document when it has run
  while ((dormant = ofDocument("querySelector").call(document, 'script[type="text/viral"]')))
    await runDependent(dormant);
  running = false;
}

/**
 * @param {HTMLScriptElement} dormant
 * @returns {Promise<void>} fulfilled when it has run, or can't
 */
function runDependent(dormant) {
  const script = copyScript(dormant);
  // A policy can be made but once, and the page's first client has made it.
  const trust = findPage()?.trust ?? ownTrust;
  script.type = "";
  const isRunning = () => runningScript() === script;
  const endLate = callLate(isRunning);
  const endWrites = dropWrites(isRunning);
  return new Promise((resolve) => {
    /** @param {boolean} ran */
    function ended(ran) {
      endWrites();
      endLate(ran);
      resolve();
    }
    script.onload = dormant.onload;
    script.onerror = dormant.onerror;
    script.addEventListener("load", () => ended(true));
    script.addEventListener("error", () => ended(false));
    try {
      if (dormant.src) script.src = trust(dormant.src);
      else script.text = trust(dormant.text, "createScript");
    } catch (error) {
      console.error(error);
    }
    dormant.replaceWith(script);
    // What has no address has run by now.
    if (!script.src) ended(true);
  });
}
