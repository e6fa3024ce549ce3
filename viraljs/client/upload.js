/** The giving end of a connection: says what it has and sends asked pieces, no faster than they drain. */

import {
  CANCEL,
  DATA,
  decode,
  encode,
  encodeData,
  GONE,
  HAVE,
  HELLO,
  PACKED,
  REFUSE,
  REQUEST,
  spanned,
  toRanges,
  VERSION,
} from "./wire.js";

/** 16 KB and more run at full speed, and every browser takes 64. */
const MESSAGE_BYTES = 65536;
const HIGH_WATER_BYTES = 1048576;
const LOW_WATER_BYTES = 262144;
/** Another that wants nothing for so long does not keep its slot. */
const IDLE_MS = 30000;
/** Who needs a bundle asks for each piece once, or twice where another seemed to be sooner. */
const MOST_COPIES = 2;

/**
 * @typedef {object} Source
 * @property {import("./pieces.js").Store} store
 * @property {ReturnType<typeof import("./deflate.js").createPacker>} pack
 * @property {ReturnType<typeof import("./limit.js").createLimit>} limit
 * @property {boolean} trades the other side may have something to give, too
 * @property {() => boolean} isAllowed the page and its visitor let this be
 */

/**
 * Serve a channel until it closes.
 *
 * @param {RTCDataChannel} channel
 * @param {Source} source
 * @param {import("./types.js").Range[]} [first] what rode in the offer, where it was the other side that made it
 */
export function upload(channel, { store, pack, limit, trades, isAllowed }, first) {
  /** @type {Set<number>} in the order of the requests */
  const wanted = new Set();
  /** @type {Set<number>} what the other side has */
  const theirs = new Set();
  /** Chromium now and then loses what comes in before its open event: who made the offer is to speak first. */
  let awaited = !!first;
  let sending = false;
  let given = 0;
  /** @type {ReturnType<typeof setTimeout>} */
  let idle;

  const isOpen = () => channel.readyState === "open";

  /** @param {number} type @param {number[]} pieces */
  function say(type, pieces) {
    if (isOpen()) channel.send(encode(type, ...toRanges(pieces).flat()));
  }

  const drained = () =>
    new Promise((resolve) => {
      if (channel.bufferedAmount < HIGH_WATER_BYTES || !isOpen()) return resolve(null);
      channel.addEventListener("bufferedamountlow", resolve, { once: true });
      channel.addEventListener("close", resolve, { once: true });
    });

  /** @param {number} piece */
  async function sendPiece(piece) {
    // Asking without end would keep the line and the processor of this visitor busy for nothing.
    if (given++ >= MOST_COPIES * store.count) return channel.close();
    const { bytes, packed } = await pack(piece, channel.protocol === "gzip");
    for (let offset = 0; offset < bytes.length && wanted.has(piece) && isAllowed(); offset += MESSAGE_BYTES) {
      const part = bytes.subarray(offset, offset + MESSAGE_BYTES);
      await limit(part.length);
      await drained();
      if (!isOpen()) return;
      channel.send(encodeData(packed ? [PACKED, piece, offset, bytes.length] : [DATA, piece, offset], part));
    }
    wanted.delete(piece);
  }

  async function send() {
    if (sending || !isOpen()) return;
    sending = true;
    rest();
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
    rest();
  }

  /** Give the channel up some time after the last word on it. */
  function rest() {
    clearTimeout(idle);
    if (!sending) idle = setTimeout(() => channel.close(), IDLE_MS);
  }

  /** @param {number[]} pieces those that the other side wants; what is not there it will ask again when it is */
  function want(pieces) {
    for (const piece of pieces) if (store.has(piece) && isAllowed()) wanted.add(piece);
    send();
  }

  /** @param {number[]} pieces */
  function note(pieces) {
    for (const piece of pieces) theirs.add(piece);
    // Nothing can come of it any more, one way or the other.
    if (theirs.size === store.count && heldBy(store).length === store.count) channel.close();
  }

  function open() {
    if (first) channel.send(encode(HELLO, VERSION));
    say(HAVE, isAllowed() ? heldBy(store) : []);
    want(spanned((first ?? []).flat(), store.count));
  }

  store.watch((piece) => {
    if (isAllowed() && !awaited) say(HAVE, [piece]);
  });
  channel.binaryType = "arraybuffer";
  channel.bufferedAmountLowThreshold = LOW_WATER_BYTES;
  channel.addEventListener("message", ({ data }) => {
    const frame = decode(data);
    if (!frame) return channel.close();
    if (awaited) open();
    awaited = false;
    const { type, words } = frame;
    const pieces = () => spanned(words, store.count);
    if (type === REQUEST) want(pieces());
    else if (type === CANCEL) for (const piece of pieces()) wanted.delete(piece);
    else if (type === HAVE) note(pieces());
    else if (!trades) channel.close();
    else rest();
  });
  if (awaited) rest();
  else if (isOpen()) open();
  else channel.addEventListener("open", open);
}

/** @param {import("./pieces.js").Store} store */
export const heldBy = ({ count, has }) => [...Array(count).keys()].filter(has);
