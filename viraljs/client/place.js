/** The place of a script: the element that its page wrote, and the moment for which the page wrote it. */

import { define, insert, makeEvent, ofDocument, readyState } from "./builtins.js";
import { runningScript } from "./late.js";
import { copyScript, load } from "./scripts.js";

/** A script from a `blob:` URL that neither runs nor fails by then was put out of action, by a blocker for instance. */
export const SILENCE_MS = 1000;

/**
 * Keep the `load` event of the original element back: for its page, the script has not loaded before the bundle ran.
 *
 * @param {HTMLScriptElement} original
 * @returns {(type: "load" | "error") => void} gives the event after all
 */
export function holdLoad(original) {
  // Of a script that runs now, the browser's own event is yet to come.
  let comes = runningScript() === original;
  const listener = (/** @type {Event} */ event) => {
    if (event.target !== original) return;
    comes = false;
    event.stopImmediatePropagation();
  };
  // It may be in no document any more.
  for (const target of [document, original]) target.addEventListener("load", listener, true);
  return (type) => {
    for (const target of [document, original]) target.removeEventListener("load", listener, true);
    if (!comes) original.dispatchEvent(makeEvent(type));
  };
}

/**
 * Find out whether the page's policy lets verified bytes run, before any are fetched.
 *
 * @param {HTMLScriptElement} original
 * @param {(url: string) => any} trust
 * @returns {Promise<boolean | null>} null where nothing says so
 */
export function mayRun(original, trust) {
  const url = URL.createObjectURL(new Blob([], { type: "text/javascript" }));
  const script = copyScript(original);
  script.integrity = "";
  return new Promise((resolve) => load(script, trust(url), resolve, SILENCE_MS))
    .catch(() => false)
    .finally(() => URL.revokeObjectURL(url));
}

/**
 * Run a script in place of the original element, without all that `run.js` does for it.
 *
 * @param {HTMLScriptElement} original
 * @param {any} url as the page's policy wants it
 * @param {number} [patience] milliseconds
 * @returns {Promise<{ran: boolean, wrote: boolean}>} as `run` of `run.js`
 */
export async function runPlainly(original, url, patience) {
  const script = copyScript(original);
  script.integrity = "";
  const { end } = standIn(script, original);
  const ran = await new Promise((resolve) => load(script, url, resolve, patience)).catch(() => false).finally(end);
  return { ran: !!ran, wrote: false };
}

/**
 * Run a script at once, where its page expects it: the parser, or the next script in line, goes on when this one has run.
 *
 * @param {HTMLScriptElement} original
 * @param {string} url where the server has it
 * @param {(text: string, kind?: "createScriptURL" | "createScript" | "createHTML") => any} trust
 * @returns {Promise<boolean>} whether it ran
 */
export async function runInPlace(original, url, trust) {
  try {
    // What is written in the middle of an SVG would be an SVG's script.
    const writing = readyState() === "loading" && original.src && writeInPlace(original, url, trust);
    return (await writing) || fetchInPlace(original, url, trust);
  } catch (error) {
    console.debug(error);
    return false;
  }
}

/**
 * The parser takes what a script writes that it waits for, and then waits for that.
 *
 * @param {HTMLScriptElement} original
 * @param {string} url
 * @param {(text: string, kind?: "createScriptURL" | "createHTML") => any} trust
 * @returns {Promise<boolean> | null} null where no parser waits
 */
function writeInPlace(original, url, trust) {
  const script = copyScript(original);
  script.setAttribute("src", trust(url));
  // Only an attribute is written.
  if (original.nonce) script.setAttribute("nonce", original.nonce);
  const before = [...ofDocument("scripts")];
  try {
    // Not the page's own, which may keep what is written for later.
    ofDocument("write").call(document, trust(script.outerHTML, "createHTML"));
  } catch (error) {
    // Not in XHTML, nor under Trusted Types without a word for ours.
    console.debug(error);
  }
  const written = /** @type {HTMLScriptElement[]} */ ([...ofDocument("scripts")]).find((one) => !before.includes(one));
  if (!written) return null;
  if (written.type !== script.type || !written.src) {
    // A blocker has put it out of action, without a word.
    written.remove();
    return null;
  }
  const { end } = standIn(written, original);
  // As with `load`: to run, it need not be there, and a script that looks for its own tag finds one.
  written.remove();
  return new Promise((resolve) => {
    written.onload = written.onerror = (event) => {
      end();
      resolve(/** @type {Event} */ (event).type === "load");
    };
  });
}

/**
 * Fetch a script while nothing else runs, and run it as an inline one.
 *
 * @param {HTMLScriptElement} original
 * @param {string} url
 * @param {(text: string, kind: "createScript") => any} trust
 * @returns {boolean} whether it ran
 */
function fetchInPlace(original, url, trust) {
  /** @param {string} text */
  function runText(text) {
    const script = copyScript(original);
    script.text = trust(text, "createScript");
    const { end } = standIn(script, original);
    insert(script);
    script.remove();
    end();
  }
  const request = new XMLHttpRequest();
  request.open("GET", url, false);
  request.send();
  const marked = /** @type {any} */ (original);
  // Where the page's policy forbids inline scripts, nothing else says so.
  runText("document.currentScript.viraljs=1");
  const { viraljs } = marked;
  delete marked.viraljs;
  if (!viraljs || request.status !== 200) return false;
  runText(`${request.responseText}\n//# sourceURL=${marked.src ?? url}`);
  return true;
}

/** @returns {any} what stands over the document's own property, while scripts run in place of others */
const getterOfCurrent = () => Object.getOwnPropertyDescriptor(document, "currentScript")?.get;

/** The element whose script runs now, as its page wrote it. */
export const shownScript = () =>
  /** @type {any} */ (getterOfCurrent())?.originals?.get(runningScript()) ?? runningScript();

/**
 * Show a script the element that its page wrote, with all that is on it and all who listen there, as its own.
 *
 * @param {HTMLScriptElement} script
 * @param {HTMLScriptElement} original
 */
export function standIn(script, original) {
  let getter = getterOfCurrent();
  // Several load at the same time, for several clients: all use the getter of the first, and the last takes it away.
  if (!getter?.originals) {
    const originals = new Map();
    getter = Object.assign(() => originals.get(runningScript()) ?? runningScript(), { originals });
    define(document, "currentScript", { configurable: true, get: getter });
  }
  getter.originals.set(script, original);
  return {
    isRunning: () => runningScript() === script,
    end() {
      getter.originals.delete(script);
      if (!getter.originals.size && getterOfCurrent() === getter) delete (/** @type {any} */ (document).currentScript);
    },
  };
}
