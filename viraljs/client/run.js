/** Runs a bundle as its own script element would have run it. No `eval`, no `new Function`. */

import { copyScript } from "./scripts.js";

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
  document.addEventListener("load", listener, true);
  return (type) => {
    document.removeEventListener("load", listener, true);
    original.dispatchEvent(new Event(type));
  };
}

/**
 * Run a script in place of the original element.
 *
 * @param {HTMLScriptElement} original
 * @param {string} url where the code is: a `blob:` URL, or the direct URL of the bundle
 * @param {string} src what the script shall believe to be its URL
 * @param {string} integrity checked by the browser, or empty
 * @returns {Promise<boolean>} whether it ran; false where the browser refused to load it
 */
export function run(original, url, src, integrity) {
  const script = copyScript(original);
  script.integrity = integrity;
  return new Promise((resolve) => {
    const restore = callLate();
    script.onload = script.onerror = (event) => {
      const ran = /** @type {Event} */ (event).type === "load";
      restore(ran);
      if (!ran) script.remove();
      resolve(ran);
    };
    script.src = url;
    Object.defineProperty(script, "src", { value: src });
    // A listener of the page on the original is not to hear of ours.
    if (original.isConnected) original.after(script);
    else document.head.append(script);
  });
}

const METHODS = ["addEventListener", "removeEventListener"];

/**
 * Watch for listeners of events that have passed already, which would wait forever.
 *
 * @returns {(ran: boolean) => void} ends the watch, and calls those listeners if the bundle ran
 */
function callLate() {
  /** @type {[any, string][]} */
  const handlers = [
    [window, "load"],
    [window, "pageshow"],
    [document, "readystatechange"],
  ];
  // Asked each time: `DOMContentLoaded` may pass while the bundle is loading.
  const passed = () => passedEvents(handlers.map(([, type]) => type));
  /** @type {[EventTarget, string, any][]} */
  let late = [];
  /** @param {[any, string]} handler */
  const current = ([target, type]) => target[`on${type}`];
  const before = handlers.map(current);
  /** @type {any[]} */
  const targets = [window, document];
  for (const target of targets) {
    for (const name of METHODS) {
      const native = target[name];
      // An own property over the prototype's method, gone again after the run.
      target[name] = (/** @type {string} */ type, /** @type {any} */ listener, /** @type {any} */ options) => {
        native.call(target, type, listener, options);
        late = late.filter((one) => one[0] !== target || one[1] !== type || one[2] !== listener);
        if (name === METHODS[0] && listener && passed().includes(type)) late.push([target, type, listener]);
      };
    }
  }
  return (ran) => {
    for (const target of targets) for (const name of METHODS) delete target[name];
    if (!ran) return;
    handlers.forEach((handler, at) => {
      const now = current(handler);
      if (now && now !== before[at] && passed().includes(handler[1])) late.push([...handler, now]);
    });
    for (const one of late) call(...one);
  };
}

/**
 * Tell which events of the page's start will not come again.
 *
 * @param {string[]} last those that come with the end of loading
 */
function passedEvents(last) {
  const [timing] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  const passed = timing?.domContentLoadedEventStart ? ["DOMContentLoaded"] : [];
  return timing?.loadEventStart ? [...passed, ...last] : passed;
}

/**
 * @param {EventTarget} target
 * @param {string} type
 * @param {any} listener function, or object with `handleEvent`
 */
function call(target, type, listener) {
  const event = type === "pageshow" ? new PageTransitionEvent(type) : new Event(type);
  // The browser fires these at the document, wherever they are heard.
  Object.defineProperties(event, { target: { value: document }, currentTarget: { value: target } });
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
