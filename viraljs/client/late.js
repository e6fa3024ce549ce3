/** For scripts that run after the page they were written for: what they waited for may have passed. */

import { define, makeEvent, ofDocument, readyState } from "./builtins.js";

/** The element whose script runs now, whatever stands over the document's own property. */
export const runningScript = () => ofDocument("currentScript");

/**
 * Put a property of its own over what an object has.
 *
 * @param {any} target
 * @param {string} name
 * @param {any} value a function
 * @returns {() => void} takes it away: at once, or with the one of ours that is over it; what others put there stays
 */
export function override(target, name, value) {
  value.under = Object.getOwnPropertyDescriptor(target, name);
  // Where an element has the name, nothing can be put there.
  define(target, name, { configurable: true, writable: true, value });
  return () => {
    // Scripts that load at the same time end in any order. It names itself: whoever copies or extends it is not it.
    value.ended = value;
    for (let top = value; target[name] === top && top.ended === top; top = target[name]) {
      if (top.under) define(target, name, top.under);
      else delete target[name];
    }
  };
}

/**
 * Watch for listeners of events that have passed already, which would wait forever.
 *
 * @param {() => boolean} isRunning whether it is the script that adds listeners at this moment
 * @param {() => boolean} [isHeld] whether `DOMContentLoaded` has come, but will be sent again
 * @returns {(ran: boolean, when?: Promise<any>) => void} ends the watch, and calls those listeners if the script ran,
 *   once nothing else is to come before those events
 */
export function callLate(isRunning, isHeld = () => false) {
  /** @type {[any, string][]} */
  const handlers = [
    [window, "load"],
    [window, "pageshow"],
    [document, "readystatechange"],
  ];
  // Asked each time: `DOMContentLoaded` may pass while the script is loading. The `load` of a document is its images'.
  const isLate = (/** @type {any} */ target, /** @type {string} */ type) =>
    handlers.some((one) => one[0] === target && one[1] === type)
      ? hasPassed("loadEventStart")
      : type === "DOMContentLoaded" && hasPassed("domContentLoadedEventStart") && !isHeld();
  /** @type {[EventTarget, string, any][]} */
  let late = [];
  /** @param {[any, string]} handler */
  const current = ([target, type]) => target[`on${type}`];
  const before = handlers.map(current);

  /** @param {any} target @param {string} name */
  function watch(target, name) {
    const native = target[name];
    /** @this {any} @param {string} type @param {any} listener @param {any} options */
    function watched(type, listener, options) {
      // Who calls it by its name alone means the window; and who kept it may mean anything.
      native.call(this ?? target, type, listener, options);
      if (!isRunning() || (this ?? target) !== target) return;
      late = late.filter((one) => one[0] !== target || one[1] !== type || one[2] !== listener);
      if (name === "addEventListener" && listener && isLate(target, type)) late.push([target, type, listener]);
    }
    return override(target, name, watched);
  }
  const restorers = [window, document].flatMap((target) => [
    watch(target, "addEventListener"),
    watch(target, "removeEventListener"),
  ]);
  return (ran, when) => {
    for (const restore of restorers) restore();
    if (!ran) return;
    handlers.forEach((handler, at) => {
      const now = current(handler);
      if (now && now !== before[at] && isLate(...handler)) late.push([...handler, now]);
    });
    const callAll = () => {
      for (const one of late) call(...one);
    };
    if (when) when.then(callAll);
    else callAll();
  };
}

/**
 * Tell whether an event of the page's start will not come again.
 *
 * @param {"domContentLoadedEventStart" | "loadEventStart"} moment
 */
export function hasPassed(moment) {
  const [timing] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  const at = timing?.[moment];
  // Firefox rounds times, and on one page in a thousand upwards: what is yet to come has been after a millisecond then.
  return !!at && readyState() !== "loading" && at >= timing.domInteractive;
}

/**
 * @param {EventTarget} target
 * @param {string} type
 * @param {any} listener function, or object with `handleEvent`
 */
function call(target, type, listener) {
  const event = type === "pageshow" ? new PageTransitionEvent(type) : makeEvent(type);
  // The browser fires these at the document, wherever they are heard.
  define(event, "target", { value: document });
  define(event, "currentTarget", { value: target });
  try {
    if (listener.handleEvent) listener.handleEvent(event);
    else listener.call(target, event);
  } catch (error) {
    // As the browser does with a listener that throws: the others still run, and `window.onerror` hears of it.
    setTimeout(() => {
      throw error;
    });
  }
}

/**
 * Drop what a script writes into the document, and say so: the parser has moved on. Of a script with an address a browser
 * would ignore it, with a word that helps nobody; for one without, it would begin the page anew.
 *
 * @param {() => boolean} isRunning whether it is the script that writes at this moment
 * @returns {() => boolean} ends it, and says whether anything was dropped
 */
export function dropWrites(isRunning) {
  let dropped = false;
  const restorers = ["write", "writeln"].map((name) => {
    const native = /** @type {any} */ (document)[name];
    return override(document, name, (/** @type {string[]} */ ...text) => {
      if (!isRunning()) return native.apply(document, text);
      dropped = true;
      console.error(`ViralJS: document.${name}() came after the page was parsed and would erase it. Dropped:`, ...text);
    });
  });
  return () => {
    for (const restore of restorers) restore();
    return dropped;
  };
}
