/** One delivery, from the thin client's first line to the running app and the seeding after it. */

import { ownGlobal } from "./builtins.js";
import { readCookie, writeCookie } from "./cookies.js";
import { findKept } from "./kept.js";
import { holdLater } from "./order.js";
import { emit, newRecord, thePage } from "./page.js";
import { holdLoad, mayRun, nameCode, run } from "./run.js";
import { directUrl, endpoint, plainUrl } from "./urls.js";

/** More failures than any server waits for. */
const MANY = 999;

/**
 * One bundle on its way, until it has run.
 *
 * @param {import("./types.js").ReceivingIsland} island
 * @param {string} src of the bundle
 * @param {string} asked where the island came from
 * @returns {import("./module.js").Delivering}
 */
function begin(island, src, asked) {
  const began = performance.now();
  const page = thePage();
  const record = newRecord(src, island.digest);

  /** @param {import("./seeder.js").Prepared} prepared seeded at once if it is still coming: others wait for it */
  const share = (prepared) => page.seed(island, src, async () => prepared, record, prepared.partial);

  /** @param {string} reason */
  function fallBack(reason) {
    if (record.reason) return;
    record.reason = reason;
    emit("fallback", record);
  }

  return {
    record,
    fallBack,

    async find() {
      const blob = await findKept(island, src);
      if (blob) {
        return () => {
          record.bytesFromCache = island.size;
          return { blob };
        };
      }
      const client = await import(endpoint(island, src, `${island.client}/receive.js`)).catch(() => {
        throw new Error("client");
      });
      return () => client.receive(island, src, roundTripOf(asked), record, fallBack, share);
    },

    finish(got, ran = true) {
      record.milliseconds = Math.round(performance.now() - began);
      if (got && record.bytesFromCache) record.source = "cache";
      else if (got && record.bytesFromPeers) record.source = record.bytesFromServer ? "mixed" : "peers";
      record.peers = record.uploads.filter(({ bytes }) => bytes).length;
      // The addition has spoken of a module that ran from its own URL.
      const twin = island.module && page.deliveries.find(({ url }) => url === src);
      if (twin) twin.reason = record.reason;
      page.finish(ran && !twin ? record : undefined);
      // A page that lets nothing of ours run is not to be tried again.
      if (!ran && record.reason !== "blocked") return;
      keepCount(island, record);
      // The server knows of those that it named; others have introduced themselves.
      const uploads = record.uploads.filter(({ seeder }) => island.ticket.includes(`~${seeder}`));
      const report = { ...record, uploads, ticket: island.ticket, page: location.pathname };
      navigator.sendBeacon?.(endpoint(island, src, "report"), JSON.stringify(report));
      if (got) share(got);
    },
  };
}

/**
 * @param {import("./types.js").ReceivingIsland} island
 * @param {HTMLOrSVGScriptElement | null} element the thin client's own; null where it was evaluated by hand
 */
export async function deliver(island, element) {
  const original = /** @type {HTMLScriptElement} */ (
    element ?? Object.assign(document.createElement("script"), { src: island.url })
  );
  const asked = original.src;
  const src = plainUrl(asked);
  const page = thePage();
  // Else this is here for the order of the scripts only: `viral_script` took the bundle for another one than it is.
  const shared = island.ticket || island.module;
  if (island.module) original.type = "module";
  try {
    // What has been loaded is not loaded again by a change of its address.
    if (asked !== src) original.src = page.trust(src);
  } catch (error) {
    // The policy of the page takes no URL of ours: it can't run either, and says so below.
    console.debug(error);
  }
  const turn = page.begin(island, original);
  holdLater(page, island, original);
  const giveLoad = holdLoad(original);
  const delivery = begin(island, src, asked);

  /**
   * Run it, as deferred scripts run: not before those that came before it.
   *
   * @param {string} url
   */
  async function runInTurn(url) {
    await turn.before;
    if (linked) {
      if (ownGlobal("viraljsNative")) throw new Error("native");
      page.linked++;
    }
    const { ran, wrote } = await run(original, page.trust(url), src, page.last);
    if (linked && !ran) page.linked--;
    if (wrote) delivery.fallBack("document-write");
    return ran;
  }

  async function check() {
    if (!(await mayRun(original, page.trust))) throw new Error("blocked");
  }

  async function linkAll() {
    page.modules ??= import(endpoint(island, src, `${island.client}/module.js`)).catch(() => {
      throw new Error("client");
    });
    const [client] = await Promise.all([page.modules, check()]);
    return client.link(/** @type {import("./types.js").PartIsland} */ (island), src, begin);
  }

  async function takeBlob() {
    const [take] = await Promise.all([delivery.find(), check()]);
    got = await take();
    return URL.createObjectURL(await nameCode(/** @type {Blob} */ (got.blob), src));
  }

  let ran = false;
  /** @type {import("./seeder.js").Prepared | null} */
  let got = null;
  /** @type {import("./module.js").Linked | null} */
  let linked = null;
  try {
    if (!shared) throw new Error("untouched");
    if (!window.RTCPeerConnection) throw new Error("no-webrtc");
    const refusal = island.ticket && refuse(island, turn.consented);
    if (refusal) throw new Error(refusal);
    if (island.module) linked = await linkAll();
    const url = linked?.url ?? (await takeBlob());
    ran = await runInTurn(url);
    if (!linked) URL.revokeObjectURL(url);
    if (!ran) throw new Error("blocked");
  } catch (error) {
    console.debug(error);
    got = linked = null;
    if (shared) delivery.fallBack(/** @type {Error} */ (error).message);
    // A module that ran from its own URL and from another one would be there twice.
    if (island.module) window.viraljsNative = !page.linked;
    ran = !(island.module && page.linked) && (await runInTurn(island.module ? src : directUrl(src)));
    if (ran) delivery.record.bytesFromServer += island.size;
  }
  turn.done();
  giveLoad(ran ? "load" : "error");
  if (linked) {
    linked.settle();
  }
  if (linked || !island.ticket) page.finish();
  else delivery.finish(got, ran);
}

/**
 * Say how long the server takes to answer, as this page has seen it.
 *
 * @param {string} src of the thin response
 * @returns {number} milliseconds
 */
function roundTripOf(src) {
  const [timing] = /** @type {PerformanceResourceTiming[]} */ (performance.getEntriesByName(src).slice(-1));
  return timing ? timing.responseStart - timing.requestStart : 0;
}

/**
 * Say what keeps this browser from taking part. The server looks first, but can't where the page is of another origin
 * and its cookies stay there.
 *
 * @param {import("./types.js").ReceivingIsland} island
 * @param {boolean} consented
 */
const refuse = ({ breaker: [name, , most] }, consented) =>
  consented ? (readCookie(name) ?? 0) >= most && "breaker" : "consent";

/**
 * Count failures in a row in a cookie; the server leaves a browser alone that has too many.
 *
 * @param {import("./types.js").ReceivingIsland} island
 * @param {import("./types.js").Delivery} record
 */
function keepCount({ breaker: [name, seconds] }, record) {
  const failures = readCookie(name) ?? 0;
  // Nothing was tried.
  if (record.reason === "consent" || record.reason === "breaker") return;
  // What this page's policy forbids will not go better next time.
  if (record.reason && record.source === "server") {
    writeCookie(name, record.reason === "blocked" ? MANY : failures + 1, seconds);
  } else if (failures) writeCookie(name, 0, 0);
}
