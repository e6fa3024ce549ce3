/**
 * The binary protocol on the data channel: frames to bytes and back, and nothing else.
 *
 * A frame is one message of the channel: little-endian unsigned 32-bit words, the first of them its type; only data has
 * bytes behind the words.
 *
 *     1 hello    version                       from the side that answered the offer, first of all
 *     2 request  (first piece, count)*         of pieces that the other has; the first one rides in the offer
 *     3 data     piece, offset | bytes         a part of a piece, as it is
 *     4 refuse   reason                        it has nothing (more) to give
 *     5 cancel   (first piece, count)*         no longer wanted
 *     6 have     (first piece, count)*         verified pieces that it will give; more may follow as they come
 *     7 packed   piece, offset, total | bytes  a part of a piece that is compressed with gzip (RFC 1952) to so many bytes
 *
 * Two recipients serve each other over one channel, so all but hello goes both ways.
 */

export const VERSION = 2;

export const HELLO = 1;
export const REQUEST = 2;
export const DATA = 3;
export const REFUSE = 4;
export const CANCEL = 5;
export const HAVE = 6;
export const PACKED = 7;

/** Why a seeder refuses: it can't read its bundle any more. */
export const GONE = 1;

const WORD_BYTES = 4;
/** As many ranges as the pieces of any bundle can make. */
const MOST_WORDS = 256;

/** @type {Record<number, number>} words before the bytes, its type among them, by type of data */
const HEADERS = { [DATA]: 3, [PACKED]: 4 };

/**
 * Write a frame without bytes. Every platform that runs a browser is little-endian.
 *
 * @param {number[]} words type first
 */
export const encode = (...words) => Uint32Array.from(words);

/**
 * Write a part of a piece.
 *
 * @param {number[]} words type, piece, offset of the first byte within what is sent of it, and what else the type has
 * @param {Uint8Array} bytes
 */
export function encodeData(words, bytes) {
  const header = new Uint8Array(encode(...words).buffer);
  const frame = new Uint8Array(header.length + bytes.length);
  frame.set(header);
  frame.set(bytes, header.length);
  return frame;
}

/**
 * @typedef {object} Frame
 * @property {number} type
 * @property {number[]} words those behind the type
 * @property {Uint8Array<ArrayBuffer>} bytes of data, else empty
 */

/**
 * Read a frame.
 *
 * @param {unknown} message what the channel gave
 * @returns {Frame | null} null where it is not a frame of this protocol
 */
export function decode(message) {
  if (!(message instanceof ArrayBuffer) || message.byteLength < WORD_BYTES) return null;
  const [type] = new Uint32Array(message, 0, 1);
  const header = HEADERS[type];
  const length = header ? header * WORD_BYTES : message.byteLength;
  const words = length / WORD_BYTES - 1;
  if (type < HELLO || type > PACKED || !fits(type, words, message.byteLength - length)) return null;
  return { type, words: [...new Uint32Array(message, WORD_BYTES, words)], bytes: new Uint8Array(message, length) };
}

/**
 * @param {number} type
 * @param {number} words behind it
 * @param {number} bytes behind these
 */
function fits(type, words, bytes) {
  if (HEADERS[type]) return bytes > 0;
  if (type === HELLO || type === REFUSE) return words === 1;
  // Pairs, for ranges.
  return words % 2 === 0 && words <= MOST_WORDS;
}

/**
 * @param {number[]} words first piece and count, by turns
 * @param {number} count of the pieces that there are
 * @returns {number[]} the pieces that exist of those
 */
export function spanned(words, count) {
  const pieces = [];
  for (let at = 0; at < words.length; at += 2) {
    for (let piece = words[at]; piece < Math.min(count, words[at] + words[at + 1]); piece++) pieces.push(piece);
  }
  return pieces;
}

/**
 * @param {number[]} pieces
 * @returns {import("./types.js").Range[]} runs of pieces that follow each other
 */
export function toRanges(pieces) {
  /** @type {import("./types.js").Range[]} */
  const ranges = [];
  for (const piece of pieces) {
    const last = ranges[ranges.length - 1];
    if (last && last[0] + last[1] === piece) last[1]++;
    else ranges.push([piece, 1]);
  }
  return ranges;
}
