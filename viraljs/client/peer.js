/** The recipient's end of one delivery: a connection to one seeder, and what comes over it. */

import { addCandidates, describe } from "./connection.js";
import { CANCEL, DATA, decode, encode, HELLO, REQUEST, VERSION } from "./wire.js";

/**
 * @typedef {object} PeerEvents
 * @property {() => void} open
 * @property {(piece: number, offset: number, bytes: Uint8Array<ArrayBuffer>) => void} data
 * @property {(reason: string) => void} end called once
 */

/** @typedef {ReturnType<typeof connectPeer>} Peer */

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
  const channel = connection.createDataChannel("viraljs");
  let ended = false;

  /** @param {string} reason */
  function end(reason) {
    if (ended) return;
    ended = true;
    connection.close();
    events.end(reason);
  }

  /** @type {string[]} found since the offer was described */
  const late = [];

  channel.binaryType = "arraybuffer";
  channel.onopen = events.open;
  channel.onclose = () => end("lost");
  connection.onconnectionstatechange = () => {
    if (connection.connectionState === "failed") end("unreachable");
  };
  channel.onmessage = ({ data }) => {
    const { type, words, bytes } = decode(data) ?? { type: 0, words: [], bytes: data };
    if (type === DATA) events.data(words[0], words[1], bytes);
    else if (type !== HELLO || words[0] !== VERSION) end("refused");
  };

  const isOpen = () => channel.readyState === "open";

  /** @param {number} type @param {import("./types.js").Range[]} wanted */
  function say(type, wanted) {
    if (isOpen()) channel.send(encode(type, ...wanted.flat()));
  }

  return {
    seeder,
    late,
    isOpen,
    end,
    /** Resolves with what the server is to relay. */
    offer: describe(connection, (candidate) => late.push(candidate)).then((sdp) => ({ seeder, sdp, ranges })),
    /** Whether there is neither a path nor the end of hope for one. */
    waiting: () => !ended && channel.readyState === "connecting",
    /** @param {import("./types.js").Signal} signal of the seeder, or of the server in its place */
    hear({ type, sdp, candidates, reason }) {
      if (ended) return;
      if (candidates) addCandidates(connection, candidates);
      else if (type === "answer") connection.setRemoteDescription({ type, sdp }).catch(() => end("answer"));
      else end(reason ?? type);
    },
    /** @param {import("./types.js").Range[]} wanted */
    request: (wanted) => say(REQUEST, wanted),
    /** @param {import("./types.js").Range[]} unwanted */
    cancel: (unwanted) => say(CANCEL, unwanted),
  };
}
