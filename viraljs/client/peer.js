/** The receiving end of a connection to another browser: what it has, and what comes of it. */

import { accept, addCandidates, describe } from "./connection.js";
import { CANCEL, DATA, decode, encode, HAVE, HELLO, PACKED, REFUSE, REQUEST, VERSION } from "./wire.js";

/**
 * @typedef {object} PeerEvents
 * @property {(words: number[]) => void} have ranges of pieces
 * @property {(words: number[], bytes: Uint8Array<ArrayBuffer>) => void} data piece, offset, and the total of a packed one
 * @property {(reason: string) => void} end called once
 * @property {(milliseconds: number) => void} [trip] a message and its answer took so long
 *
 * @typedef {object} Link What the download knows of another browser.
 * @property {string} seeder
 * @property {() => boolean} isOpen
 * @property {(ranges: import("./types.js").Range[]) => void} request
 * @property {(ranges: import("./types.js").Range[]) => void} cancel
 * @property {(reason: string) => void} end
 * @property {() => string} [verdict] what to say of it when it has been waited for in vain
 */

/** @typedef {ReturnType<typeof connectPeer>} Peer */

/**
 * Receive over a channel. What the other side asks on it is for its uploading end.
 *
 * @param {string} seeder
 * @param {RTCDataChannel} channel
 * @param {PeerEvents} events
 * @param {() => void} close ends the connection
 */
export function listen(seeder, channel, events, close) {
  let ended = false;
  /** When the other side was made to begin, until it does. */
  let knocked = NaN;

  /** @param {string} reason */
  function end(reason) {
    if (ended) return;
    ended = true;
    close();
    events.end(reason);
  }

  channel.binaryType = "arraybuffer";
  channel.addEventListener("close", () => end("lost"));
  channel.addEventListener("message", ({ data }) => {
    const trip = performance.now() - knocked;
    knocked = NaN;
    if (trip >= 0) events.trip?.(Math.round(trip));
    const { type, words, bytes } = decode(data) ?? { type: REFUSE, words: [], bytes: data };
    if (type === HAVE) events.have(words);
    else if (type === DATA || type === PACKED) events.data(words, bytes);
    else if (type === REFUSE || (type === HELLO && words[0] !== VERSION)) end("refused");
  });

  const isOpen = () => channel.readyState === "open";

  /** @param {number} type @param {import("./types.js").Range[]} ranges */
  function say(type, ranges) {
    if (isOpen()) channel.send(encode(type, ...ranges.flat()));
  }

  return {
    seeder,
    isOpen,
    end,
    isOver: () => ended,
    /** Make the other side begin. */
    knock() {
      knocked = performance.now();
      say(HAVE, []);
    },
    /** @param {import("./types.js").Range[]} wanted */
    request: (wanted) => say(REQUEST, wanted),
    /** @param {import("./types.js").Range[]} unwanted */
    cancel: (unwanted) => say(CANCEL, unwanted),
  };
}

/**
 * Make an offer to a seeder. It goes to the server with those to the others.
 *
 * @param {string} seeder
 * @param {RTCIceServer[]} iceServers
 * @param {import("./types.js").Range[]} ranges what it should begin to send at once
 * @param {PeerEvents} events
 */
export function connectPeer(seeder, iceServers, ranges, events) {
  const connection = new RTCPeerConnection({ iceServers });
  // The protocol tells the seeder what we understand, before anything is said.
  const channel = connection.createDataChannel("viraljs", { protocol: window.DecompressionStream ? "gzip" : "" });
  const link = listen(seeder, channel, events, () => connection.close());
  const { end, isOver, knock } = link;

  /** @type {string[]} found since the offer was described */
  const late = [];
  let answered = false;

  // The seeder waits for it: Chromium now and then loses what comes in before this event.
  channel.addEventListener("open", knock);
  connection.onconnectionstatechange = () => {
    if (connection.connectionState === "failed") end("unreachable");
  };

  const waiting = () => !isOver() && channel.readyState === "connecting";

  return {
    ...link,
    channel,
    late,
    /** Resolves with what the server is to relay. */
    offer: describe(connection, (candidate) => late.push(candidate)).then((sdp) => ({ seeder, sdp, ranges })),
    /** Whether there is neither a path nor the end of hope for one. */
    waiting,
    verdict: () => (answered ? "unreachable" : "unanswered"),
    /** @param {import("./types.js").Signal[]} signals of the seeder, or of the server in its place */
    hear(signals) {
      const candidates = signals.flatMap((signal) => signal.candidates ?? []);
      for (const { type, sdp = "", reason } of signals) {
        if (isOver()) return;
        if (type === "answer") {
          answered = true;
          accept(connection, sdp, candidates.splice(0)).catch(() => end("answer"));
        } else if (type !== "candidates") end(reason ?? type);
      }
      // Where there is a path, they would do no more than keep the page out of the back/forward cache.
      if (waiting()) addCandidates(connection, candidates);
    },
  };
}
