/** Seeds what this page has: announces it, answers offers, uploads. One for a page and server, loaded and opened after the app runs. */

import { addCandidates, describe } from "./connection.js";
import { openSocket } from "./socket.js";
import { upload } from "./upload.js";

/** An introduction that leads nowhere is given up after this time. */
const IDLE_MS = 30000;

/**
 * @typedef {object} Seed A bundle to give.
 * @property {import("./types.js").SeedingIsland} island
 * @property {Blob} blob its bytes
 * @property {import("./types.js").Delivery} record of how it came
 */

/** @typedef {ReturnType<typeof createSeeder>} Seeder */

/**
 * @param {string} base URL of the signaling blueprint
 * @param {{ticket?: string}} island a recipient seeds under the name that its ticket gave it
 */
export function createSeeder(base, { ticket = "" }) {
  /** @type {Map<string, Seed>} */
  const seeds = new Map();
  /** @type {Map<string, RTCPeerConnection>} by exchange */
  const connections = new Map();

  /** How many recipients to serve at a time; the server says it when the line opens. */
  let slots = 0;
  /** The last line on which the server has greeted; before it does, nothing is said. */
  let greeted = 0;

  const socket = openSocket(`${base}socket?ticket=${ticket}`, (message) => {
    if (message.type === "welcome") {
      slots = message.slots;
      greeted = socket.line();
      seeds.forEach(announce);
    } else if (message.type === "offer") answer(message);
    else if (message.type === "candidates") {
      const connection = connections.get(message.exchange);
      if (connection) addCandidates(connection, message.candidates);
    }
  });

  let allowed = false;
  let away = false;

  function update() {
    if (allowed && !away && !navigator.connection?.saveData) return socket.open();
    socket.close();
    for (const connection of connections.values()) connection.close();
    connections.clear();
  }

  // An open connection would keep the page out of the back/forward cache.
  for (const type of ["pagehide", "pageshow"]) {
    window.addEventListener(type, () => {
      away = type === "pagehide";
      update();
    });
  }

  /** @param {Seed} seed */
  function announce({ island, record }) {
    if (!socket.send({ type: "announce", digest: island.digest, proof: island.proof ?? island.ticket })) return;
    window.dispatchEvent(new CustomEvent("viraljs:seeding", { detail: record }));
  }

  /** @param {{exchange: string, digest: string, sdp: string, ranges: import("./types.js").Range[]}} offer */
  async function answer({ exchange, digest, sdp, ranges }) {
    const seed = seeds.get(digest);
    if (!seed || connections.size >= slots) {
      socket.send({ type: "refuse", exchange, reason: seed ? "busy" : "gone" });
      return;
    }
    const connection = new RTCPeerConnection({ iceServers: seed.island.ice });
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
      channel.onclose = end;
      upload(channel, seed.island, seed.blob, ranges);
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
    /** @param {Seed} seed */
    add(seed) {
      seeds.set(seed.island.digest, seed);
      if (greeted && greeted === socket.line()) announce(seed);
    },
    /** @param {boolean} given whether the page and its visitor let this be */
    allow(given) {
      allowed = given;
      update();
    },
  };
}
