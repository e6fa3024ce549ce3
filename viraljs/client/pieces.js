/** The pieces of one bundle on their way in: collected, verified, kept. Knows no peer and no network. */

import { toHex } from "./digest.js";

const DIGEST_BYTES = 32;

/**
 * @typedef {ReturnType<typeof createPieces>} Pieces
 *
 * @typedef {Pick<Pieces, "count" | "has" | "read" | "watch">} Store What seeding needs of pieces.
 */

/**
 * @param {{size: number, pieceLength: number}} bundle
 * @param {Uint8Array} digests of the pieces, end to end
 * @param {import("./digest.js").Hash} hash
 */
export function createPieces(bundle, digests, hash) {
  const count = digests.length / DIGEST_BYTES;
  /** @type {(Blob | undefined)[]} */
  const verified = new Array(count);
  /** @type {((piece: number) => void)[]} */
  const watchers = [];
  let missing = count;

  return {
    count,
    missing: () => missing,
    /** @param {number} piece */
    has: (piece) => verified[piece] !== undefined,
    /** @param {number} piece */
    lengthOf: (piece) => Math.min(bundle.pieceLength, bundle.size - piece * bundle.pieceLength),
    /** @param {number} piece a verified one */
    read: (piece) => /** @type {Blob} */ (verified[piece]).arrayBuffer(),
    /** @param {(piece: number) => void} listener is told of each piece that is verified from now on */
    watch: (listener) => watchers.push(listener),

    /**
     * Put all pieces together.
     *
     * @param {string} type
     */
    join: (type) => new Blob(/** @type {Blob[]} */ (verified), { type }),

    /**
     * Check a piece and keep it.
     *
     * @param {number} piece
     * @param {Uint8Array<ArrayBuffer>} bytes
     * @returns {Promise<boolean | null>} true if it was kept, false if it is wrong, null if it was there already
     */
    async verify(piece, bytes) {
      const digest = toHex(await hash(bytes));
      if (digest !== toHex(digests.subarray(piece * DIGEST_BYTES, (piece + 1) * DIGEST_BYTES))) return false;
      if (verified[piece]) return null;
      // Out of the page's memory, where a large bundle would be twice when it is put together.
      verified[piece] = new Blob([bytes]);
      missing--;
      // What others do with a piece does not make it wrong.
      for (const watcher of watchers) Promise.resolve(piece).then(watcher).catch(console.debug);
      return true;
    },
  };
}

/**
 * Collects the parts of pieces as one sender sends them: one piece at a time, its parts in order.
 *
 * @param {{count: number, lengthOf: (piece: number) => number}} pieces
 */
export function createAssembler(pieces) {
  let current = -1;
  let filled = 0;
  /** @type {Uint8Array<ArrayBuffer>} */
  let buffer;

  /**
   * @param {number} piece
   * @param {number} offset
   * @param {Uint8Array} bytes
   * @param {number} [total] bytes of the whole, where it comes compressed: never more than the piece has
   * @returns {Uint8Array<ArrayBuffer> | null | undefined} the whole piece, null while it is not, undefined if the
   *   part can't be right
   */
  return (piece, offset, bytes, total = pieces.lengthOf(piece)) => {
    if (offset === 0 && piece < pieces.count && total <= pieces.lengthOf(piece)) {
      current = piece;
      filled = 0;
      buffer = new Uint8Array(total);
    }
    if (piece !== current || offset !== filled || offset + bytes.length > buffer.length) return undefined;
    buffer.set(bytes, offset);
    filled += bytes.length;
    if (filled < buffer.length) return null;
    current = -1;
    return buffer;
  };
}
