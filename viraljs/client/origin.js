/** The server as a source of pieces: what peers do not bring in time is asked by `Range`. */

import { createAssembler } from "./pieces.js";

/** A response whose last byte has come ends at once; one that does not is ended. */
const ENDING_MS = 1000;

/**
 * Fetch a run of pieces.
 *
 * @param {string} url the direct URL
 * @param {import("./pieces.js").Pieces} pieces
 * @param {{size: number, pieceLength: number}} bundle
 * @param {import("./types.js").Range} run
 * @param {AbortSignal} signal
 * @param {(piece: number, bytes: Uint8Array<ArrayBuffer>) => Promise<boolean>} take gets each piece as it is complete,
 *   and says whether to go on
 * @param {() => void} hear is called for each sign of life
 * @returns {Promise<void>} rejects where the server does not give the bytes
 */
export async function fetchRun(url, pieces, { size, pieceLength }, [first, count], signal, take, hear) {
  const start = first * pieceLength;
  const end = Math.min(size, start + count * pieceLength);
  // Without a range where all is wanted: such a response can be cached.
  const headers = end - start < size ? { Range: `bytes=${start}-${end - 1}` } : undefined;
  const abort = new AbortController();
  const cut = () => abort.abort(signal.reason);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let ending;
  /** The last byte that there is has come, but not the word that it was: who cuts off now has a failure in the network panel. */
  let complete = false;
  signal.addEventListener("abort", () => {
    if (complete) ending = setTimeout(cut, ENDING_MS);
    else cut();
  });
  try {
    const { status, ok, body } = await fetch(url, { headers, signal: abort.signal });
    hear();
    if (!ok || !body) throw new Error(`${status}`);
    const reader = body.getReader();
    const assemble = createAssembler(pieces);
    // A server may ignore the range (RFC 9110, 14.2).
    let at = status === 206 ? start : 0;
    const last = status === 206 ? end : size;
    let wanted = true;
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      hear();
      for (let rest = chunk.value; rest.length; ) {
        const piece = Math.floor(at / pieceLength);
        const offset = at % pieceLength;
        const part = rest.subarray(0, pieceLength - offset);
        const whole = assemble(piece, offset, part);
        if (whole === undefined) throw new Error("size");
        at += part.length;
        rest = rest.subarray(part.length);
        complete = at >= last;
        if (whole && wanted) wanted = await take(piece, whole);
        if (!wanted && !complete) return reader.cancel();
      }
    }
    if (at < end) throw new Error("short");
  } finally {
    clearTimeout(ending);
    complete = false;
    // Of what is wrong, no more is wanted; what has ended is not touched by it.
    cut();
  }
}
