/** Has errors tell the URLs that scripts have for their page, where these run from others. */

import { define } from "./builtins.js";

/**
 * Firefox tells the page where the code really is, whatever it calls itself.
 *
 * @param {(url: string) => string | undefined} nameOf gives the name of what runs from a URL
 */
export function renameErrors(nameOf) {
  const property = Object.getOwnPropertyDescriptor(ErrorEvent.prototype, "filename");
  const { get } = /** @type {{get: () => string}} */ (property);
  /** @this {ErrorEvent} */
  function filename() {
    const url = get.call(this);
    return nameOf(url) ?? url;
  }
  define(ErrorEvent.prototype, "filename", { ...property, get: filename });

  /** @param {ErrorEvent} event */
  function renameArgument(event) {
    const { onerror } = window;
    if (!onerror || event.target !== window || !nameOf(get.call(event))) return;
    // This one is not told of the event. It is called after those that capture, as we do.
    window.onerror = (message, url, ...rest) => {
      window.onerror = onerror;
      return onerror.call(window, message, nameOf(`${url}`) ?? url, ...rest);
    };
  }
  window.addEventListener("error", renameArgument, true);
}
