/**
 * Holds the events of the page's start back until the bundles have run that they would have waited for. `load` waits by
 * itself, as for any script that is still loading. `DOMContentLoaded` is stopped before others hear it, and sent again.
 */

import { define, makeEvent, readyState } from "./builtins.js";
import { openRoom } from "./departure.js";
import { hasPassed } from "./late.js";

/** All clients of a page hold the same events, also those of another release: what they call here stays as it is. */
const KEY = Symbol.for("viraljs.moments");

/** @typedef {ReturnType<typeof createMoments>} Moments */

/** @returns {Moments} the document's own */
export function moments() {
  const holder = /** @type {any} */ (window);
  if (!Object.hasOwn(holder, KEY)) define(holder, KEY, { value: createMoments() });
  return holder[KEY];
}

function createMoments() {
  let loads = 0;
  let release = () => {};
  /** @type {Promise<any> | undefined} what `DOMContentLoaded` waits for */
  let before;
  let held = false;
  let [tellParsed, tellHeard] = [() => {}, () => {}];
  /** @param {(tell: () => void) => void} keep @returns {Promise<void>} */
  const expect = (keep) => new Promise((resolve) => keep(resolve));
  const parsed = expect((tell) => {
    tellParsed = tell;
  });
  const heard = expect((tell) => {
    tellHeard = tell;
  });

  /** @param {Event} event */
  async function stop(event) {
    // A page may send events of this name itself; the browser notes when it sends its own.
    if (!hasPassed("domContentLoadedEventStart")) return;
    window.removeEventListener(event.type, stop, true);
    event.stopImmediatePropagation();
    held = true;
    tellParsed();
    // What was held behind a bundle may have been added meanwhile.
    for (let last; last !== before; await last) last = before;
    held = false;
    try {
      document.dispatchEvent(makeEvent(event.type, true));
    } finally {
      // `load` comes whatever the page has made of events.
      tellHeard();
    }
  }

  return {
    /** Resolves when the browser has parsed the page and run what is deferred, where `holdParsed` was called. */
    parsed,

    /** Whether `DOMContentLoaded` has come, and is yet to be heard. */
    isHeld: () => held,

    /**
     * Hold `load` back.
     *
     * @param {Promise<any>} ended
     */
    holdLoad(ended) {
      if (readyState() === "complete") return;
      if (!loads++) release = delayLoad();
      ended.then(() => {
        if (!--loads) release();
      });
    },

    /**
     * Hold `DOMContentLoaded` back, and `load` behind it.
     *
     * @param {Promise<any>} ended
     */
    holdParsed(ended) {
      if (!before) {
        window.addEventListener("DOMContentLoaded", stop, true);
        this.holdLoad(heard);
      }
      before = Promise.all([before, ended]);
    },
  };
}

/**
 * @returns {boolean} whether the browser tells how far the page is; of one that `document.open()` has begun anew it tells
 *   the times of what was there before
 */
export const isTimed = () =>
  !!performance.getEntriesByType("navigation").length && (readyState() === "complete" || !hasPassed("loadEventStart"));

/** @returns {boolean} whether `DOMContentLoaded` is yet to come, for a script that runs now */
export const isParsing = () => readyState() !== "complete" && isTimed() && !hasPassed("domContentLoadedEventStart");

/**
 * Have the browser hold `load` back: a window's waits for those of its frames, and an open document in one is never done.
 *
 * @returns {() => void} lets it come
 */
function delayLoad() {
  try {
    const { window: frame, remove } = openRoom();
    frame.document.open();
    return () => {
      frame.document.close();
      remove();
    };
  } catch (error) {
    // A listener that the bundle adds too late is called all the same, see `late.js`.
    console.debug(error);
    return () => {};
  }
}
