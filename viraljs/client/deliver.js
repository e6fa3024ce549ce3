/** One delivery, from the thin client's first line to the running app and the seeding after it. */

import { readCookie, writeCookie } from "./cookies.js";
import { findHash, fromBase64, toIntegrity } from "./digest.js";
import { download } from "./download.js";
import { introduce } from "./introduction.js";
import { fetchRun } from "./origin.js";
import { emit, newRecord, thePage } from "./page.js";
import { connectPeer } from "./peer.js";
import { createPieces } from "./pieces.js";
import { holdLoad, run } from "./run.js";
import { directUrl, endpoint, plainUrl } from "./urls.js";

/** More failures than any server waits for. */
const MANY = 999;

/**
 * @param {import("./types.js").ReceivingIsland} island
 * @param {HTMLOrSVGScriptElement | null} element the thin client's own; null where it was evaluated by hand
 */
export async function deliver(island, element) {
  const began = performance.now();
  const original = /** @type {HTMLScriptElement} */ (
    element ?? Object.assign(document.createElement("script"), { src: island.url })
  );
  const src = plainUrl(original.src);
  const page = thePage();
  const turn = page.begin(island);
  const giveLoad = holdLoad(original);
  const record = newRecord(src, island.digest);
  /** @param {string} reason */
  function fallBack(reason) {
    if (record.reason) return;
    record.reason = reason;
    emit("fallback", record);
  }

  /**
   * Run it, as deferred scripts run: not before those that came before it.
   *
   * @param {string} url
   * @param {string} integrity
   */
  async function runInTurn(url, integrity) {
    await turn.before;
    return run(original, page.trust(url), src, integrity);
  }

  /** @type {boolean | void} */
  let ran = false;
  let blob;
  try {
    if (!window.RTCPeerConnection) throw new Error("no-webrtc");
    blob = await receive(island, src, record, fallBack);
    const url = URL.createObjectURL(blob);
    ran = await runInTurn(url, toIntegrity(island.digest));
    URL.revokeObjectURL(url);
    if (!ran) throw new Error("blocked");
  } catch (error) {
    console.debug(error);
    blob = null;
    fallBack(/** @type {Error} */ (error).message);
    record.bytesFromServer += island.size;
    ran = await runInTurn(directUrl(src), "").catch(console.error);
  }
  turn.done();
  giveLoad(ran ? "load" : "error");

  record.milliseconds = Math.round(performance.now() - began);
  if (blob && record.bytesFromPeers) record.source = record.bytesFromServer ? "mixed" : "peers";
  record.peers = record.uploads.filter(({ bytes }) => bytes).length;
  keepCount(island, record);
  page.finish(record);
  navigator.sendBeacon?.(endpoint(island, src, "report"), JSON.stringify({ ...record, ticket: island.ticket }));
  if (blob) page.seed(island, src, async () => /** @type {Blob} */ (blob), record);
}

/**
 * Get the bundle together, verified.
 *
 * @param {import("./types.js").ReceivingIsland} island
 * @param {string} src
 * @param {import("./types.js").Delivery} record
 * @param {(reason: string) => void} onFallback
 */
async function receive(island, src, record, onFallback) {
  const hash = findHash(island, src);
  const pieces = createPieces(island, fromBase64(island.pieces), async (bytes) => (await hash)(bytes));
  /** @type {import("./peer.js").Peer[]} */
  const peers = [];
  const [, , ...seeders] = island.ticket.split(".")[0].split("~");
  const done = download(
    pieces,
    seeders,
    island.deadline,
    {
      connect(seeder, first, events) {
        const peer = connectPeer(seeder, island.ice, first, events);
        peers.push(peer);
        return peer;
      },
      fetchRun: (run, signal, take) => fetchRun(directUrl(src), pieces, island, run, signal, take),
    },
    record,
    onFallback,
  );
  introduce(endpoint(island, src, ""), island.ticket, peers).catch((error) => {
    console.debug(error);
    for (const peer of peers) if (peer.waiting()) peer.end("signaling");
  });
  await done;
  return new Blob(pieces.parts(), { type: island.mediaType });
}

/**
 * Count failures in a row in a cookie; the server leaves a browser alone that has too many.
 *
 * @param {import("./types.js").ReceivingIsland} island
 * @param {import("./types.js").Delivery} record
 */
function keepCount({ breaker: [name, seconds] }, record) {
  const failures = readCookie(name) ?? 0;
  // What this page's policy forbids will not go better next time.
  if (record.source === "server") writeCookie(name, record.reason === "blocked" ? MANY : failures + 1, seconds);
  else if (failures) writeCookie(name, 0, 0);
}
