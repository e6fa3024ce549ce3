/** What the entry and its chunks have in common: one counter. */

let total = 0;

/** @param {number} more */
export function count(more) {
  total += more;
  return total;
}
