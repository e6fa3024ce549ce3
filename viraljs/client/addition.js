/** What follows a bundle in a full response: makes this page a seeder, at no cost to the server. */

import { runDependents } from "./dependents-runner.js";
import { findHash, toHex } from "./digest.js";
import { newRecord, thePage } from "./page.js";
import { shownScript } from "./place.js";
import { isWanted } from "./scripts.js";
import { isOwn, pagePath, plainUrl } from "./urls.js";

const island = __VIRALJS__;
try {
  // In a worker there is nothing to read back, and nothing to seed.
  if (typeof document !== "undefined") begin();
} catch (error) {
  // We stand in the scope of a module, which may have other things under the names of globals.
  console.debug(error);
}

function begin() {
  const script = /** @type {HTMLScriptElement | null} */ (shownScript());
  // A module has no script element, but its own URL: what it was asked for by.
  if (script?.src) main(script.src, isWanted(script));
  else if (!script && /^http/.test(window.origin)) main(new URL(island.url, window.origin).href);
}

/** @param {string} src @param {boolean} [wanted] whether the page waited for it */
function main(src, wanted) {
  const page = thePage(runDependents);
  const [timing] = /** @type {PerformanceResourceTiming[]} */ (performance.getEntriesByName(src).slice(-1));
  // Of a response that was revalidated only the headers were transferred, of one not asked about nothing.
  const fromCache = timing?.transferSize < timing?.encodedBodySize;
  const record = newRecord(plainUrl(src), island.digest);
  if (fromCache) record.source = "cache";
  record[fromCache ? "bytesFromCache" : "bytesFromServer"] = island.size;
  if (timing) record.milliseconds = Math.round(performance.now() - timing.startTime);
  page.begin(island).done();
  page.finish(record);
  // Where it must run in its place, it can't come from peers: the server is told of the page.
  if (wanted) island.page = pagePath();
  page.seed(island, src, async () => ({ blob: await readBack(src) }), record);
}

/**
 * Read the response back from the HTTP cache, cut our addition off, and make sure of what is left.
 *
 * @param {string} src
 */
async function readBack(src) {
  // Never a download: this mode gives cached bytes or an error. It has no way across origins; there, the server says
  // nothing to who accepts this only.
  const response = await fetch(
    src,
    isOwn(src)
      ? { cache: "only-if-cached", mode: "same-origin" }
      : { cache: "force-cache", headers: { Accept: "application/vnd.viraljs.cached" } },
  );
  const bytes = new Uint8Array(await response.arrayBuffer()).subarray(0, island.size);
  const hash = await findHash(island, src);
  if (toHex(await hash(bytes)) !== island.digest) throw new Error("the cache holds another version");
  return new Blob([bytes]);
}
