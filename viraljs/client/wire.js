/**
 * The binary protocol on the data channel: frames to bytes and back, and nothing else.
 *
 * A frame is one message of the channel: little-endian unsigned 32-bit words, the first of them its type; only data has
 * bytes behind the words.
 *
 *     1 hello    version                       seeder to recipient, first of all
 *     2 request  (first piece, count)*         recipient to seeder; the first request rides in the offer
 *     3 data     piece, offset | bytes         seeder to recipient
 *     4 refuse   reason                        seeder to recipient: it has nothing (more) to give
 *     5 cancel   (first piece, count)*         recipient to seeder: no longer wanted
 */

export const VERSION = 1;

export const HELLO = 1;
export const REQUEST = 2;
export const DATA = 3;
export const REFUSE = 4;
export const CANCEL = 5;

/** Why a seeder refuses: it can't read its bundle any more. */
export const GONE = 1;

const WORD_BYTES = 4;
const DATA_HEADER_WORDS = 3;
const DATA_HEADER_BYTES = DATA_HEADER_WORDS * WORD_BYTES;

/**
 * Write a frame without bytes. Every platform that runs a browser is little-endian.
 *
 * @param {number[]} words type first
 */
export const encode = (...words) => Uint32Array.from(words);

/**
 * Write a part of a piece.
 *
 * @param {number} piece
 * @param {number} offset of the first byte within the piece
 * @param {Uint8Array} bytes
 */
export function encodeData(piece, offset, bytes) {
  const frame = new Uint8Array(DATA_HEADER_BYTES + bytes.length);
  frame.set(new Uint8Array(encode(DATA, piece, offset).buffer));
  frame.set(bytes, DATA_HEADER_BYTES);
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
  if (!(message instanceof ArrayBuffer) || message.byteLength < 2 * WORD_BYTES) return null;
  const [type] = new Uint32Array(message, 0, 1);
  const isData = type === DATA;
  const length = isData ? DATA_HEADER_BYTES : message.byteLength;
  // One word for a hello or a refusal, two for data, pairs of words for ranges.
  const words = length / WORD_BYTES - 1;
  const fits = type === HELLO || type === REFUSE ? words === 1 : words % 2 === 0;
  if (type < HELLO || type > CANCEL || !fits || (isData && message.byteLength <= length)) return null;
  return { type, words: [...new Uint32Array(message, WORD_BYTES, words)], bytes: new Uint8Array(message, length) };
}
