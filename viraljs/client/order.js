/** Keeps the order of deferred scripts: those behind a bundle that is still on its way must wait for it. */

import { hasPassed } from "./late.js";
import { run } from "./run.js";

/** `viral_script` writes it: a site that wants order lets it write the tags of all scripts that need some. */
const OURS = "script[data-viraljs][defer]";
/** Types that run. Scripts of others, and those for old browsers, would never say that they have. */
const RUNS = /^$|^module$|(java|ecma)script/i;

/**
 * Keep the deferred scripts behind a bundle from running, and run them when it is their turn.
 *
 * @param {import("./page.js").Page} page
 * @param {import("./types.js").SeedingIsland} island
 * @param {HTMLScriptElement} original the bundle's own; it has begun its turn
 */
export function holdLater(page, island, original) {
  // Where deferred scripts do not run yet, or have run, there are none to hold; others were never in order.
  if (document.readyState !== "interactive" || hasPassed("domContentLoadedEventStart")) return;
  if (!original.matches(OURS) || original.async) return;
  const ours = [...document.querySelectorAll(OURS)];
  const later = /** @type {HTMLScriptElement[]} */ (ours.slice(ours.indexOf(original) + 1)).filter(mustWait);
  if (!later.length) return;
  const turn = page.begin(island);
  // A script that is in another document when its time has come does not run (HTML, "execute the script element").
  const elsewhere = document.implementation.createHTMLDocument("");
  const putBack = later.map((script) => {
    const place = document.createComment("");
    script.replaceWith(place);
    elsewhere.adoptNode(script);
    return () => place.replaceWith(script);
  });
  // Their time has passed with this event, and all that they are loaded from is known.
  document.addEventListener("DOMContentLoaded", async () => {
    for (const back of putBack) back();
    let before = turn.before;
    for (const script of later) before = runHeld(page, script, before);
    await before;
    turn.done();
    page.finish();
  });
}

/**
 * Say whether a deferred script would run too early, as far as can be known by now.
 *
 * @param {HTMLScriptElement} script
 */
const mustWait = (script) =>
  script.src && !script.async && !script.noModule && RUNS.test(script.type) && !isThin(script);

/**
 * A bundle's thin client knows by itself to wait.
 *
 * @param {HTMLScriptElement} script
 */
function isThin({ src }) {
  const timings = /** @type {PerformanceResourceTiming[]} */ (performance.getEntriesByName(src));
  return timings.some(({ serverTiming }) => serverTiming?.some(({ name }) => name === "viraljs"));
}

/**
 * @param {import("./page.js").Page} page
 * @param {HTMLScriptElement} script
 * @param {Promise<any>} before what it has to wait for
 */
async function runHeld(page, script, before) {
  page.turns.set(script, { before });
  if (!isThin(script)) await before;
  const { ran } = await run(script, page.trust(script.src), script.src);
  const { ended } = /** @type {Partial<import("./page.js").Turn>} */ (page.turns.get(script));
  if (ended) await ended;
  else script.dispatchEvent(new Event(ran ? "load" : "error"));
}
