/** The seeder's end of one delivery: sends asked pieces over a data channel, no faster than it drains. */

import { CANCEL, decode, encode, encodeData, GONE, HELLO, REFUSE, REQUEST, VERSION } from "./wire.js";

/** 16 KB and more run at full speed, and every browser takes 64. */
const MESSAGE_BYTES = 65536;
const HIGH_WATER_BYTES = 1048576;
const LOW_WATER_BYTES = 262144;
/** As many ranges as may ride in an offer, two words each. */
const MOST_WORDS = 128;
/** A recipient that wants nothing for so long does not keep its slot. */
const IDLE_MS = 30000;

/**
 * Serve a channel until it closes.
 *
 * @param {RTCDataChannel} channel
 * @param {{size: number, pieceLength: number}} bundle
 * @param {Blob} blob its bytes
 * @param {import("./types.js").Range[]} first what rode in the offer
 */
export function upload(channel, bundle, blob, first) {
  const count = Math.ceil(bundle.size / bundle.pieceLength);
  /** @type {Set<number>} in the order of the requests */
  const wanted = new Set();
  let sending = false;
  /** @type {ReturnType<typeof setTimeout>} */
  let idle;

  const isOpen = () => channel.readyState === "open";

  const drained = () =>
    new Promise((resolve) => {
      if (channel.bufferedAmount < HIGH_WATER_BYTES || !isOpen()) return resolve(null);
      channel.addEventListener("bufferedamountlow", resolve, { once: true });
      channel.addEventListener("close", resolve, { once: true });
    });

  /** @param {number} piece */
  async function sendPiece(piece) {
    const start = piece * bundle.pieceLength;
    const bytes = new Uint8Array(await blob.slice(start, start + bundle.pieceLength).arrayBuffer());
    for (let offset = 0; offset < bytes.length && wanted.has(piece); offset += MESSAGE_BYTES) {
      await drained();
      if (!isOpen()) return;
      channel.send(encodeData(piece, offset, bytes.subarray(offset, offset + MESSAGE_BYTES)));
    }
    wanted.delete(piece);
  }

  async function send() {
    if (sending || !isOpen()) return;
    sending = true;
    clearTimeout(idle);
    try {
      // A set's iteration also visits what is added on the way.
      for (const piece of wanted) {
        await sendPiece(piece);
        if (!isOpen()) return;
      }
    } catch (error) {
      console.debug(error);
      if (isOpen()) channel.send(encode(REFUSE, GONE));
    }
    sending = false;
    idle = setTimeout(() => channel.close(), IDLE_MS);
  }

  /**
   * @param {number[]} words first piece and count, by turns
   * @returns {Iterable<number>} the pieces that exist of those
   */
  function* span(words) {
    for (let at = 0; at < words.length; at += 2) {
      for (let piece = words[at]; piece < Math.min(count, words[at] + words[at + 1]); piece++) yield piece;
    }
  }

  /** @param {number[]} words */
  function want(words) {
    for (const piece of span(words)) wanted.add(piece);
    send();
  }

  channel.binaryType = "arraybuffer";
  channel.bufferedAmountLowThreshold = LOW_WATER_BYTES;
  channel.onmessage = ({ data }) => {
    const frame = decode(data);
    if (!frame || frame.words.length > MOST_WORDS) channel.close();
    else if (frame.type === REQUEST) want(frame.words);
    else if (frame.type === CANCEL) for (const piece of span(frame.words)) wanted.delete(piece);
    else channel.close();
  };
  channel.onopen = () => {
    channel.send(encode(HELLO, VERSION));
    want(first.flat());
  };
}
