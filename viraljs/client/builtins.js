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
