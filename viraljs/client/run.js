/** Runs a bundle as its own script element would have run it. No `eval`, no `new Function`. */

import { callLate, dropWrites, runningScript } from "./late.js";
import { renameErrors } from "./names.js";
import { copyScript, load } from "./scripts.js";

/** Comments of this kind stand at the end of a script, and are not longer. */
const LAST_BYTES = 2000;
const SOURCE_URL = /^\/\/[#@]\s*sourceURL=/m;

/**
 * Keep the `load` event of the original element back: for its page, the script has not loaded before the bundle ran.
 *
 * @param {HTMLScriptElement} original
 * @returns {(type: "load" | "error") => void} gives the event after all
 */
export function holdLoad(original) {
  const listener = (/** @type {Event} */ event) => {
    if (event.target === original) event.stopImmediatePropagation();
  };
  // It may be in no document any more.
  for (const target of [document, original]) target.addEventListener("load", listener, true);
  return (type) => {
    for (const target of [document, original]) target.removeEventListener("load", listener, true);
    original.dispatchEvent(new Event(type));
  };
}

/**
 * Have stacks and source maps name the URL that the bundle has for its page, unless it names one of its own.
 *
 * @param {Blob} blob
 * @param {string} src
 */
export async function nameCode(blob, src) {
  const end = await blob.slice(-LAST_BYTES).text();
  return SOURCE_URL.test(end) ? blob : new Blob([blob, `\n//# sourceURL=${src}`], { type: blob.type });
}

/**
 * Find out whether the page's policy lets verified bytes run, before any are fetched.
 *
 * @param {HTMLScriptElement} original
 * @param {(url: string) => any} trust
 * @returns {Promise<boolean>}
 */
export function mayRun(original, trust) {
  const url = URL.createObjectURL(new Blob([], { type: "text/javascript" }));
  const script = copyScript(original);
  script.integrity = "";
  return new Promise((resolve) => load(script, trust(url), resolve))
    .catch(() => false)
    .finally(() => URL.revokeObjectURL(url));
}

/**
 * Run a script in place of the original element.
 *
 * @param {HTMLScriptElement} original
 * @param {any} url where the code is, as the page's policy wants it: a `blob:` URL, or one of the server
 * @param {string} src what the script shall believe to be its URL
 * @param {() => Promise<any>} [last] gives what else comes before the events of the page: the deferred scripts behind it
 * @returns {Promise<{ran: boolean, wrote: boolean}>} whether it ran (false where the browser refused to load it), and
 *   whether it tried to write into the document
 */
export function run(original, url, src, last) {
  const script = copyScript(original);
  script.integrity = "";
  if (`${url}` !== src) renameErrors((filename) => (filename === `${url}` ? src : undefined));
  const { isRunning, end } = standIn(script, original);
  const endWrites = dropWrites(isRunning);
  // Of a module nobody can tell when it runs.
  const endLate = callLate(script.type === "module" ? () => true : isRunning);
  return new Promise((resolve) => {
    /** @param {boolean} ran */
    function ended(ran) {
      end();
      const wrote = endWrites();
      endLate(ran, last?.());
      resolve({ ran, wrote });
    }
    try {
      load(script, url, ended);
    } catch (error) {
      // The policy of the page takes no URL of ours.
      console.error(error);
      ended(false);
    }
  });
}

/**
 * Show a script the element that its page wrote, with all that is on it and all who listen there, as its own.
 *
 * @param {HTMLScriptElement} script
 * @param {HTMLScriptElement} original
 */
function standIn(script, original) {
  const current = () => /** @type {any} */ (Object.getOwnPropertyDescriptor(document, "currentScript")?.get);
  let getter = current();
  // Several load at the same time, for several clients: all use the getter of the first, and the last takes it away.
  if (!getter?.originals) {
    const originals = new Map();
    getter = Object.assign(() => originals.get(runningScript()) ?? runningScript(), { originals });
    Object.defineProperty(document, "currentScript", { configurable: true, get: getter });
  }
  getter.originals.set(script, original);
  return {
    isRunning: () => runningScript() === script,
    end() {
      getter.originals.delete(script);
      if (!getter.originals.size && current() === getter) delete (/** @type {any} */ (document).currentScript);
    },
  };
}
