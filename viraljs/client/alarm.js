/**
 * Time that passes also where the page has put other timers in place of the browser's, such as ones that a test stops.
 *
 * @param {number} milliseconds
 * @returns {Promise<any>} resolves then
 */
export const alarm = (milliseconds) =>
  new Promise((resolve) => {
    // Not every browser has it.
    const signal = AbortSignal.timeout?.(milliseconds);
    if (signal) signal.onabort = resolve;
    else setTimeout(resolve, milliseconds);
  });
