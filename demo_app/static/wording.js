/** How the page speaks: sizes, times, numbers with their nouns. */

/** @param {number} count */
export function inBytes(count) {
  if (count < 1e3) return `${count} B`;
  return count < 1e6 ? `${(count / 1e3).toFixed(1)} kB` : `${(count / 1e6).toFixed(2)} MB`;
}

/** @param {number} milliseconds */
export const inSeconds = (milliseconds) => `${(milliseconds / 1e3).toFixed(2)} s`;

/**
 * @param {number} count
 * @param {string} noun
 */
export const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/**
 * Copies of a bundle in bytes that were sent: whole, where the rest is no more than what ViralJS adds.
 *
 * @param {number} bytes
 * @param {number} size
 */
export function inCopies(bytes, size) {
  const copies = Number((bytes / size).toFixed(1));
  return `${copies} ${copies === 1 ? "copy" : "copies"}`;
}

/** @param {string[]} parts */
export function listed(parts) {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts[parts.length - 1]}`;
}
