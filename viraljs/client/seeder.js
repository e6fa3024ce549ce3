/**
 * Seeds what this page has: announces it, answers offers, uploads. One for a page and server, loaded and opened after the
 * app runs; where others wait for what this page is still receiving, before it.
 */

// What is exported keeps its name and takes what it took: pages from before a deploy import it as well (docs/protocol.rst).

import { makeEvent } from "./builtins.js";
import { addCandidates, describe } from "./connection.js";
import { createPacker } from "./deflate.js";
import { watchDeparture } from "./departure.js";
import { keep } from "./keep.js";
import { createLimit } from "./limit.js";
import { openSocket } from "./socket.js";
import { heldBy, upload } from "./upload.js";
import { watchWorker } from "./worker.js";

/** An introduction that leads nowhere is given up after this time. */
const IDLE_MS = 30000;
/** Percent more that the server is told of. */
const STEP = 10;

/**
 * @typedef {object} Prepared What there is of a bundle.
 * @property {import("./pieces.js").Store} [store] its pieces, all of them or those that have come
 * @property {Blob} [blob] its bytes
 * @property {RTCDataChannel[]} [channels] to those that it comes from, who may take something in return
 * @property {() => void} [leave] ends these, once all has come
 * @property {(seeder: string, channel: RTCDataChannel, close: () => void) => void} [join] takes pieces of one more
 * @property {boolean} [partial] it is still coming
 *
 * @typedef {object} About
 * @property {import("./types.js").SeedingIsland} island
 * @property {import("./types.js").Delivery} record of how it came
 *
 * @typedef {Prepared & About} Seed A bundle to give.
 */

/** @typedef {ReturnType<typeof createSeeder>} Seeder */

/**
 * @param {string} base URL of the signaling blueprint
 * @param {{ticket?: string, limit?: number}} island a recipient seeds under the name that its ticket gave it
 */
export function createSeeder(base, { ticket = "", limit: bytesPerSecond }) {
  /** @typedef {Seed & {store: import("./pieces.js").Store, pack: ReturnType<typeof createPacker>, told: number}} Known */
  /** @type {Map<string, Known>} */
  const seeds = new Map();
  /** @type {Map<string, RTCPeerConnection>} by exchange */
  const connections = new Map();
  const limit = createLimit(bytesPerSecond);

  /** How many recipients to serve at a time; the server says it when the line opens. */
  let slots = 0;
  /** The last line on which the server has greeted; before it does, nothing is said. */
  let greeted = 0;

  const socket = openSocket(`${base}socket?ticket=${ticket}`, (message) => {
    if (message.type === "welcome") {
      slots = message.slots;
      greeted = socket.line();
      for (const digest of seeds.keys()) announce(digest);
    } else if (message.type === "offer") answer(message);
    else if (message.type === "candidates") {
      const connection = connections.get(message.exchange);
      // One that has a path needs no more of them.
      if (connection && connection.connectionState !== "connected") addCandidates(connection, message.candidates);
    }
  });

  let allowed = false;
  let away = false;

  const isAllowed = () => allowed && !away && !navigator.connection?.saveData;

  function update() {
    if (isAllowed()) return socket.open();
    socket.close();
    for (const connection of connections.values()) connection.close();
    connections.clear();
    for (const { leave } of seeds.values()) leave?.();
  }

  // An open connection would keep the page out of the back/forward cache.
  watchDeparture((gone) => {
    away = gone;
    update();
  });

  /** @param {Known} seed @returns {import("./upload.js").Source} */
  const sourceOf = ({ store, pack, partial }) => ({ store, pack, limit, trades: !!partial, isAllowed });

  /** @param {string} digest */
  function announce(digest) {
    const seed = /** @type {Known} */ (seeds.get(digest));
    const { island, record, store, partial } = seed;
    if (!greeted || greeted !== socket.line()) return;
    const progress = partial ? Math.floor((99 * heldBy(store).length) / store.count) : 100;
    const message = {
      type: "announce",
      digest,
      proof: island.proof ?? island.ticket,
      progress,
      page: island.page,
      url: island.page && island.url,
    };
    if (!socket.send(message)) return;
    seed.told = progress;
    if (!partial) window.dispatchEvent(makeEvent("viraljs:seeding", false, record));
  }

  /**
   * @typedef {object} Offer
   * @property {string} exchange
   * @property {string} digest
   * @property {string} sdp
   * @property {import("./types.js").Range[]} ranges
   * @property {RTCIceServer[]} [ice] where the island's may be out of date
   *
   * @param {Offer} offer
   */
  async function answer({ exchange, digest, sdp, ranges, ice }) {
    const seed = seeds.get(digest);
    if (!seed || connections.size >= slots) {
      socket.send({ type: "refuse", exchange, reason: seed ? "busy" : "gone" });
      return;
    }
    const connection = new RTCPeerConnection({ iceServers: ice ?? seed.island.ice });
    connections.set(exchange, connection);
    const line = socket.line();
    /** @param {object} message for the line that brought the offer: of another one's, the server knows nothing */
    function tell(message) {
      if (socket.line() === line) socket.send(message);
    }

    let told = false;
    function end() {
      if (!connections.delete(exchange)) return;
      connection.close();
      tell(told ? { type: "done", exchange } : { type: "refuse", exchange, reason: "gone" });
    }
    const idle = setTimeout(end, IDLE_MS);
    connection.onconnectionstatechange = () => {
      if (connection.connectionState === "failed") end();
    };
    connection.ondatachannel = ({ channel }) => {
      clearTimeout(idle);
      channel.addEventListener("close", end);
      upload(channel, sourceOf(seed), ranges);
      const [recipient] = exchange.split(".");
      if (seed.partial) seed.join?.(recipient, channel, end);
    };
    try {
      await connection.setRemoteDescription({ type: "offer", sdp });
      const answer = await describe(connection, (candidate) => {
        tell({ type: "candidates", exchange, candidates: [candidate] });
      });
      told = true;
      tell({ type: "answer", exchange, sdp: answer });
    } catch (error) {
      console.debug(error);
      end();
    }
  }

  return {
    /** @param {Seed} seed a bundle that is here, or one that is coming; then the same again when it has come */
    add(seed) {
      const { island, blob, record } = seed;
      const { digest } = island;
      if (!seed.partial) watchWorker(island.workerCookie, record.url).catch(console.debug);
      const known = seeds.get(digest);
      const store = known?.store ?? seed.store ?? wholeStore(island, /** @type {Blob} */ (blob));
      const added = { ...seed, store, pack: known?.pack ?? createPacker(store.read), told: 0 };
      seeds.set(digest, added);
      announce(digest);
      if (seed.partial) {
        for (const channel of seed.channels ?? []) upload(channel, sourceOf(added));
        store.watch(() => {
          const seed = seeds.get(digest);
          if (seed?.partial && (100 * heldBy(store).length) / store.count >= seed.told + STEP) announce(digest);
        });
      } else if ("cache" in island && blob && record.source !== "cache") {
        keep(/** @type {import("./types.js").ReceivingIsland} */ (island), record.url, blob);
      }
    },
    /** @param {boolean} given whether the page and its visitor let this be */
    allow(given) {
      allowed = given;
      update();
    },
  };
}

/**
 * The pieces of a bundle that is all here.
 *
 * @param {{size: number, pieceLength: number}} bundle
 * @param {Blob} blob
 * @returns {import("./pieces.js").Store}
 */
function wholeStore({ size, pieceLength }, blob) {
  return {
    count: Math.ceil(size / pieceLength),
    has: () => true,
    read: (piece) => blob.slice(piece * pieceLength, (piece + 1) * pieceLength).arrayBuffer(),
    watch: () => 0,
  };
}
