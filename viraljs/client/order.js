/** Keeps the order of deferred scripts: those behind a bundle that is still on its way must wait for it. */

import { insert, makeEvent, ofDocument, readyState } from "./builtins.js";
import { isParsing, moments } from "./moments.js";
import { copyScript, forbid } from "./scripts.js";
import { markedUrl } from "./urls.js";

/** Types that run (HTML, "prepare the script element"). Scripts of others would never say that they have. */
const RUNS = /^(module|(text|application)\/(x-)?(j|java|ecma|live)script(1\.[0-5])?)?$/i;
/** An inline module that has not run by then, imports included, is not waited for. */
const TEXT_MS = 10000;

/**
 * Keep the deferred scripts behind a bundle from running, and run them when it is their turn.
 *
 * @param {import("./page.js").Page} page
 * @param {import("./types.js").SeedingIsland} island
 * @param {HTMLScriptElement} original the bundle's own; it has begun its turn
 * @param {Promise<import("./types.js").Runner>} runner
 */
export function holdLater(page, island, original, runner) {
  // Where deferred scripts do not run yet, or have run, there are none to hold; others were never in order.
  if (readyState() !== "interactive" || !isParsing() || !original.defer || original.async) return;
  const all = /** @type {HTMLScriptElement[]} */ ([...ofDocument("querySelectorAll").call(document, "script")]);
  const later = all
    // The page may have removed it.
    .slice(all.indexOf(original) + 1 || all.length)
    .filter((script) => isDeferred(script) && !page.turns.has(script))
    .map((script) => /** @type {const} */ ([script, !!markOfThin(script)]));
  if (!later.length) return;
  const turn = page.begin(island);
  const { parsed } = moments();
  moments().holdParsed(turn.ended);
  let { before } = turn;
  for (const [script, thin] of later) {
    const run = thin ? expect(page, script, before, parsed) : runHeld(page, script, before, parsed, runner);
    // What fails does not go before its turn either.
    before = Promise.all([before, run.catch(console.debug)]);
  }
  before.then(() => {
    turn.done();
    page.finish();
  });
}

/**
 * @param {HTMLScriptElement} script
 */
const isDeferred = (script) =>
  // An SVG's script has neither.
  "text" in script &&
  (script.type === "module" || (script.defer && script.src)) &&
  !script.async &&
  !script.noModule &&
  RUNS.test(script.type.trim());

/** Marks of `viral_script`: the server answers with what knows to wait. */
const WAITS = /[?&]viraljs=(behind|module)\b/;

/**
 * A bundle's thin client knows by itself to wait.
 *
 * @param {HTMLScriptElement} script
 * @returns {string} with what to ask for it again; nothing of what is no thin client
 */
function markOfThin({ src }) {
  const timings = /** @type {PerformanceResourceTiming[]} */ (performance.getEntriesByName(src));
  const said = timings.flatMap(({ serverTiming }) => serverTiming ?? []).find(({ name }) => name === "viraljs");
  // The server names itself whom it sends others to, and who will not be there.
  if (said?.description?.includes("~")) return said.description;
  return said || WAITS.test(src) ? "alone" : "";
}

/**
 * Give a thin client its place in the order.
 *
 * @param {import("./page.js").Page} page
 * @param {HTMLScriptElement} script
 * @param {Promise<any>} before what it has to wait for
 * @param {Promise<any>} parsed
 * @returns {Promise<any>} its bundle has run, or never will
 */
const expect = (page, script, before, parsed) =>
  new Promise((resolve) => {
    page.turns.set(script, { before, begun: resolve });
    // It may have become something else after all, or have failed: by then it has had its turn.
    parsed.then(resolve);
  });

/**
 * @param {HTMLScriptElement} script
 * @param {Promise<any>} parsed
 * @returns {Promise<any>} it is back in its place
 */
function hold(script, parsed) {
  const place = ofDocument("createComment").call(document, "");
  script.replaceWith(place);
  forbid(script);
  return parsed.then(() => place.replaceWith(script));
}

/**
 * @param {import("./page.js").Page} page
 * @param {HTMLScriptElement} script
 * @param {Promise<any>} before what it has to wait for
 * @param {Promise<any>} parsed
 * @param {Promise<import("./types.js").Runner>} runner
 */
async function runHeld(page, script, before, parsed, runner) {
  const back = hold(script, parsed);
  // Of one that can't be had the browser says so before its turn.
  const hush = (/** @type {Event} */ event) => event.stopImmediatePropagation();
  script.addEventListener("error", hush, true);
  page.turns.set(script, { before });
  await back;
  const mark = markOfThin(script);
  if (!mark) await before;
  if (!script.src) return runText(page, script);
  // Of the thin client that came nothing is left. Others take the browser that it came to for a seeder, so that without
  // this word the next one might tell it to wait for itself.
  const url = mark ? markedUrl(script.src, mark) : script.src;
  const { run } = await runner;
  const { ran } = await run(script, page.trust(url), script.src, page.last);
  script.removeEventListener("error", hush, true);
  const ended = page.turns.get(script)?.ended;
  if (ended) await ended;
  else script.dispatchEvent(makeEvent(ran ? "load" : "error"));
}

/**
 * Run an inline module. It does not say when it has run, but one behind it in line does.
 *
 * @param {import("./page.js").Page} page
 * @param {HTMLScriptElement} script
 */
async function runText(page, script) {
  const module = copyScript(script);
  module.text = page.trust(script.text, "createScript");
  const behind = copyScript(script);
  behind.src = page.trust(URL.createObjectURL(new Blob([], { type: "text/javascript" })));
  await new Promise((resolve) => {
    setTimeout(resolve, TEXT_MS);
    behind.onload = behind.onerror = resolve;
    for (const one of [module, behind]) {
      one.async = false;
      insert(one);
      one.remove();
    }
  });
}
