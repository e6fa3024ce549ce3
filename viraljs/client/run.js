/**
 * Runs a bundle as its own script element would have run it. No `eval`, no `new Function`. Loaded while the bundle is on
 * its way.
 */

export { runDependents } from "./dependents-runner.js";
export { findKept } from "./kept.js";
export { report } from "./report.js";

import { callLate, dropWrites } from "./late.js";
import { moments } from "./moments.js";
import { renameErrors } from "./names.js";
import { SILENCE_MS, standIn } from "./place.js";
import { copyScript, load } from "./scripts.js";

/** Comments of this kind stand at the end of a script, and are not longer. */
const LAST_BYTES = 2000;
const SOURCE_URL = /^\/\/[#@]\s*sourceURL=/m;
/** Bytes for which a browser gets a millisecond more: a slow one that compiles a large bundle says nothing either. */
const BYTES_PER_MS = 2000;

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
 * Run a script in place of the original element.
 *
 * @param {HTMLScriptElement} original
 * @param {any} url where the code is, as the page's policy wants it: a `blob:` URL, or one of the server
 * @param {string} src what the script shall believe to be its URL
 * @param {() => Promise<any>} [last] gives what else comes before the events of the page: the deferred scripts behind it
 * @param {number} [size] bytes; where they are given, the script is not waited for without end
 * @returns {Promise<{ran: boolean, wrote: boolean}>} whether it ran (false where the browser refused to load it), and
 *   whether it tried to write into the document
 */
export function run(original, url, src, last, size) {
  const script = copyScript(original);
  if (`${url}` !== src) {
    // Another digest: the code has a name behind it.
    script.integrity = "";
    renameErrors((filename) => (filename === `${url}` ? src : undefined));
  }
  const { isRunning, end } = standIn(script, original);
  const endWrites = dropWrites(isRunning);
  // Of a module nobody can tell when it runs.
  const endLate = callLate(script.type === "module" ? () => true : isRunning, moments().isHeld);
  return new Promise((resolve) => {
    /** @param {boolean | null} loaded */
    function ended(loaded) {
      const ran = !!loaded;
      end();
      const wrote = endWrites();
      endLate(ran, last?.());
      resolve({ ran, wrote });
    }
    try {
      load(script, url, ended, size && SILENCE_MS + size / BYTES_PER_MS);
    } catch (error) {
      // The policy of the page takes no URL of ours.
      console.error(error);
      ended(false);
    }
  });
}
