/** Gets a bundle together, verified, from other browsers and the server. Loaded where no earlier visit has kept it. */

// What is exported keeps its name and takes what it took: pages from before a deploy import it as well (docs/protocol.rst).

import { findHash, fromBase64, toHex } from "./digest.js";
import { download, SILENCE_MS } from "./download.js";
import { introduce } from "./introduction.js";
import { fetchRun } from "./origin.js";
import { connectPeer, listen } from "./peer.js";
import { createPieces } from "./pieces.js";
import { directUrl, endpoint } from "./urls.js";

/** A delivery that lasts longer is of use to others before it ends. */
const LONG_MS = 2000;

/** The first byte of the thin response took one round trip. An introduction takes some more: this many, at most so long. */
const ROUND_TRIPS = 8;
const MOST_ROUND_TRIPS_MS = 1000;
/** Bytes for which a delivery is given a millisecond more: who waits for many can wait a little longer. */
const BYTES_PER_MS = 20000;

/**
 * The server has just answered: it may take so much longer this time. After that, a script element asks for the bundle,
 * which has the browser's patience: what keeps the answer away may be in the way of `fetch` only.
 */
const ANSWER_MS = 5000;
const ANSWER_ROUND_TRIPS = 20;

/** What is larger is not held in the page's memory as a whole. */
export const MOST_BYTES_AT_ONCE = 33554432;

/**
 * @param {import("./types.js").ReceivingIsland} island
 * @param {string} src of the script
 * @param {number} roundTrip milliseconds to the server, as measured; 0 if unknown
 * @param {import("./types.js").Delivery} record is told who brought what
 * @param {(reason: string) => void} onFallback called whenever the server is asked because peers fail
 * @param {(prepared: import("./seeder.js").Prepared) => void} share lets others have what has come so far
 * @returns {Promise<import("./seeder.js").Prepared & {blob: Blob}>}
 */
export async function receive(island, src, roundTrip, record, onFallback, share) {
  const finding = findHash(island, src);
  const pieces = createPieces(island, fromBase64(island.pieces), async (bytes) => (await finding)(bytes));
  const [, , ...seeders] = island.ticket.split(".")[0].split("~");
  /** @type {import("./peer.js").Peer[]} */
  const peers = [];
  const { done, add, giveUp } = download(
    pieces,
    {
      seeders,
      connect(seeder, first, events) {
        const peer = connectPeer(seeder, island.ice, first, events);
        peers.push(peer);
        return peer;
      },
      fetchRun: (run, signal, take, hear) => fetchRun(directUrl(island, src), pieces, island, run, signal, take, hear),
    },
    {
      deadline: island.deadline + Math.min(MOST_ROUND_TRIPS_MS, ROUND_TRIPS * roundTrip) + island.size / BYTES_PER_MS,
      patience: Math.min(SILENCE_MS, ANSWER_MS + ANSWER_ROUND_TRIPS * roundTrip),
      // Recipients that begin at different places have different pieces to give.
      first: seeders.length || island.stream == null ? Math.floor(Math.random() * pieces.count) : island.stream,
      stream: island.stream != null,
      crowd: island.early,
    },
    record,
    onFallback,
  );
  /** @type {import("./seeder.js").Prepared} */
  const prepared = {
    store: pieces,
    channels: peers.map(({ channel }) => channel),
    leave() {
      if (!pieces.missing()) for (const peer of peers) peer.end("done");
    },
    join: (seeder, channel, close) => add(seeder, (events) => listen(seeder, channel, events, close)),
  };
  const timer = setTimeout(share, island.early ? 0 : LONG_MS, { ...prepared, partial: true });
  if (peers.length) {
    introduce(endpoint(island, src, ""), island.ticket, peers).catch((error) => {
      console.debug(error);
      giveUp("signaling");
    });
  }
  await done.finally(() => clearTimeout(timer));
  const blob = pieces.join(island.mediaType);
  // A second check: each piece has been checked by itself. It takes three times the memory.
  if (island.size <= MOST_BYTES_AT_ONCE) {
    const hash = await finding;
    if (toHex(await hash(new Uint8Array(await blob.arrayBuffer()))) !== island.digest) throw new Error("digest");
  }
  return { ...prepared, blob };
}
