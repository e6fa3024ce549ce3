/** Has errors tell the URLs that scripts have for their page, where these run from others. */

/**
 * Firefox tells `window.onerror` where the code really is, whatever it calls itself.
 *
 * @param {(url: string) => string | undefined} nameOf gives the name of what runs from a URL
 */
export function renameErrors(nameOf) {
  window.addEventListener(
    "error",
    (event) => {
      const filename = nameOf(event.filename);
      if (!filename) return;
      event.stopImmediatePropagation();
      const { message, lineno, colno, error } = event;
      const again = new ErrorEvent("error", { message, lineno, colno, error, filename, cancelable: true });
      if (!window.dispatchEvent(again)) event.preventDefault();
    },
    true,
  );
}
