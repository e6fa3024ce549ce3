/** A limit on bytes in time, for all uploads of a page together. */

/** What may be sent at once after a rest. */
const BURST_MS = 100;

/**
 * @param {number} [bytesPerSecond] no limit where it is left out
 * @returns {(bytes: number) => Promise<void>} resolves when so many bytes may go out; first come, first served
 */
export function createLimit(bytesPerSecond) {
  /** When what was let through so far would have been sent at the allowed pace. */
  let free = 0;
  return async (bytes) => {
    if (!bytesPerSecond) return;
    const now = performance.now();
    free = Math.max(free, now - BURST_MS) + (bytes / bytesPerSecond) * 1000;
    if (free > now) await new Promise((resolve) => setTimeout(resolve, free - now));
  };
}
