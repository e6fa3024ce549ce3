/** What the browser's back button asks of a page: to have nothing open when it is left, and to know when it comes back. */

import { insert, ofDocument } from "./builtins.js";

/** A navigation that has not taken the page away by then never will: it was a download, or had no content. */
const PATIENCE_MS = 5000;

/**
 * Whether the browser makes up its mind when a navigation begins, and not only when the page goes. Firefox does, without
 * a way to ask it.
 */
export const decidesEarly = () =>
  // `in` would take `<nav id="navigation">` for it.
  !!Object.getOwnPropertyDescriptor(globalThis, "navigation") && navigator.userAgent.includes("Firefox/");

/**
 * Watch for the page's going and coming back.
 *
 * @param {(away: boolean) => void} tell
 */
export function watchDeparture(tell) {
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;

  /** @param {boolean} away */
  function go(away) {
    clearTimeout(timer);
    tell(away);
  }

  window.addEventListener("pagehide", () => go(true));
  window.addEventListener("pageshow", () => go(false));
  if (!decidesEarly()) return;
  const { navigation } = /** @type {any} */ (globalThis);
  navigation.addEventListener("navigate", (/** @type {any} */ event) => {
    const { destination, downloadRequest } = event;
    if (destination.sameDocument || downloadRequest != null || !/^http/.test(destination.url)) return;
    go(true);
    // A listener that comes after this one may call it off, or make another state of the page of it.
    timer = setTimeout(() => {
      if (event.defaultPrevented || navigation.transition) go(false);
      else timer = setTimeout(go, PATIENCE_MS, false);
    });
  });
}

/**
 * Make a window that takes its sockets with it at once when it goes: to close one takes a message and its answer, and for
 * Firefox it is open until then.
 *
 * @returns {{window: any, remove: () => void}}
 */
export function openRoom() {
  const create = ofDocument("createElement").bind(document);
  const host = create("div");
  host.hidden = true;
  const frame = create("iframe");
  // In a shadow, where the page's own scripts do not count it among their frames.
  host.attachShadow({ mode: "closed" }).append(frame);
  insert(host);
  return { window: frame.contentWindow, remove: () => host.remove() };
}
