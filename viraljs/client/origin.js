/** The server as a source of pieces: what peers do not bring in time is asked by `Range`. */

import { createAssembler } from "./pieces.js";

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
 * @returns {Promise<void>} rejects where the server does not give the bytes
 */
export async function fetchRun(url, pieces, { size, pieceLength }, [first, count], signal, take) {
  const start = first * pieceLength;
  const end = Math.min(size, start + count * pieceLength);
  // Without a range where all is wanted: such a response can be cached.
  const headers = end - start < size ? { Range: `bytes=${start}-${end - 1}` } : undefined;
  const { status, ok, body } = await fetch(url, { headers, signal });
  if (!ok || !body) throw new Error(`${status}`);
  const reader = body.getReader();
  const assemble = createAssembler(pieces);
  // A server may ignore the range (RFC 9110, 14.2).
  let at = status === 206 ? start : 0;
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    for (let rest = chunk.value; rest.length; ) {
      const piece = Math.floor(at / pieceLength);
      const offset = at % pieceLength;
      const part = rest.subarray(0, pieceLength - offset);
      const whole = assemble(piece, offset, part);
      if (whole === undefined) throw new Error("size");
      if (whole && !(await take(piece, whole))) return reader.cancel();
      at += part.length;
      rest = rest.subarray(part.length);
    }
  }
  if (at < end) throw new Error("short");
}
