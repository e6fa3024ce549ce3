/**
 * What the browser put under a name, whatever the page's elements are called: `<form id="ViralJS">` is `window.ViralJS`
 * where nobody has defined it, and `<form name="cookie">` is `document.cookie` (HTML, "named access").
 */

/**
 * @param {string} name of a global that somebody defined
 * @returns {any} undefined for an element
 */
export const ownGlobal = (name) => Object.getOwnPropertyDescriptor(window, name)?.value;

/**
 * @param {string} name
 * @returns {any} what documents have under it; functions still have to be called on this one
 */
export const ofDocument = (name) => Reflect.get(Document.prototype, name, document);

/** @returns {DocumentReadyState} */
export const readyState = () => ofDocument("readyState");

/** @param {Node} node to put where it stands in nobody's way */
export const insert = (node) => ofDocument("documentElement").append(node);

/**
 * Define a property, whatever the page has added to all objects: a `get` or `value` there would count as one of ours.
 *
 * @param {object} target
 * @param {PropertyKey} name
 * @param {PropertyDescriptor} how
 */
export const define = (target, name, how) =>
  Reflect.defineProperty(target, name, Object.assign(Object.create(null), how));

/**
 * Make an event, also where a library has put a class of its own under `Event`.
 *
 * @param {string} type
 * @param {boolean} [bubbles]
 * @param {any} [detail]
 * @returns {Event}
 */
export function makeEvent(type, bubbles = false, detail) {
  const kind = detail ? "CustomEvent" : "Event";
  const event = ofDocument("createEvent").call(document, kind);
  event[`init${kind}`](type, bubbles, false, detail);
  return event;
}
