/** Undoes the compression of a piece, and of nothing larger. */

/**
 * @param {Uint8Array<ArrayBuffer>} packed gzip (RFC 1952)
 * @param {number} length of what it must inflate to: one that would go past it is not inflated further
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function inflate(packed, length) {
  const bytes = new Uint8Array(length);
  const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  let at = 0;
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    // Throws a RangeError where it does not fit.
    bytes.set(chunk.value, at);
    at += chunk.value.length;
  }
  if (at < length) throw new RangeError("short");
  return bytes;
}
