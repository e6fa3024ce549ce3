/** The pieces of one bundle on their way in: collected, verified, kept. Knows no peer and no network. */

import { toHex } from "./digest.js";

const DIGEST_BYTES = 32;

/** @typedef {ReturnType<typeof createPieces>} Pieces */

/**
 * @param {{size: number, pieceLength: number}} bundle
 * @param {Uint8Array} digests of the pieces, end to end
 * @param {import("./digest.js").Hash} hash
 */
export function createPieces(bundle, digests, hash) {
  const count = digests.length / DIGEST_BYTES;
  /** @type {(Uint8Array<ArrayBuffer> | undefined)[]} */
  const verified = new Array(count);
  let missing = count;

  return {
    count,
    missing: () => missing,
    /** @param {number} piece */
    has: (piece) => verified[piece] !== undefined,
    /** @param {number} piece */
    lengthOf: (piece) => Math.min(bundle.pieceLength, bundle.size - piece * bundle.pieceLength),
    /** The verified bytes in order; whole when nothing is missing. */
    parts: () => /** @type {Uint8Array<ArrayBuffer>[]} */ (verified),

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
      verified[piece] = bytes;
      missing--;
      return true;
    },
  };
}

/**
 * Collects the parts of pieces as one sender sends them: one piece at a time, its parts in order.
 *
 * @param {Pieces} pieces
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
   * @returns {Uint8Array<ArrayBuffer> | null | undefined} the whole piece, null while it is not, undefined if the
   *   part can't be right
   */
  return (piece, offset, bytes) => {
    if (offset === 0 && piece < pieces.count) {
      current = piece;
      filled = 0;
      buffer = new Uint8Array(pieces.lengthOf(piece));
    }
    if (piece !== current || offset !== filled || offset + bytes.length > buffer.length) return undefined;
    buffer.set(bytes, offset);
    filled += bytes.length;
    if (filled < buffer.length) return null;
    current = -1;
    return buffer;
  };
}
