/** `window.ViralJS`: what the page can see and say, and what several bundles of one page share. */

import { readCookie, writeCookie } from "./cookies.js";
import { runDependents } from "./dependents-runner.js";
import { endpoint } from "./urls.js";

const CONSENT_SECONDS = 31536000;

/** @typedef {ReturnType<typeof createPage>} Page */

/** The page's one object: whichever client came first has made it. */
export function thePage() {
  if (!window.ViralJS) window.ViralJS = createPage();
  return window.ViralJS;
}

/**
 * @param {string} name
 * @param {object} detail
 */
export const emit = (name, detail) => window.dispatchEvent(new CustomEvent(`viraljs:${name}`, { detail }));

/**
 * @param {string} url
 * @param {string} digest
 * @returns {import("./types.js").Delivery}
 */
export const newRecord = (url, digest) => ({
  url,
  digest,
  source: "server",
  bytesFromPeers: 0,
  bytesFromServer: 0,
  bytesFromCache: 0,
  milliseconds: 0,
  peers: 0,
  reason: null,
  uploads: [],
});

function createPage() {
  /** @type {import("./types.js").Delivery[]} */
  const deliveries = [];
  /** @type {Record<string, import("./seeder.js").Seeder>} by the URL of their signaling */
  const seeders = {};
  let consentCookie = "";
  let consented = true;
  let pending = 0;
  let paused = false;
  /** @type {(records: import("./types.js").Delivery[]) => void} */
  let resolve;
  /** @type {Promise<import("./types.js").Delivery[]> | null} */
  let ready = null;

  /** Whether all deferred scripts have begun. */
  const parsed = () => document.readyState !== "loading";
  const maySeed = () => !paused && consented && !navigator.connection?.saveData;

  /** Everything known has run, and the page is parsed, so that nothing more comes of it. */
  function settle() {
    if (pending || !parsed()) return;
    runDependents();
    resolve?.(deliveries);
    ready = null;
  }

  function openAll() {
    if (maySeed()) for (const seeder of Object.values(seeders)) seeder.open();
  }

  function closeAll() {
    for (const seeder of Object.values(seeders)) seeder.close();
  }

  if (!parsed()) document.addEventListener("DOMContentLoaded", () => queueMicrotask(settle));
  // An open connection would keep the page out of the back/forward cache.
  window.addEventListener("pagehide", closeAll);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) openAll();
  });

  return {
    /** One record for each bundle that has run. */
    deliveries,

    /** Resolves with the records when all bundles that the page has asked for by now have run. */
    get ready() {
      if (!pending && parsed()) return Promise.resolve(deliveries);
      ready ??= new Promise((settled) => {
        resolve = settled;
      });
      return ready;
    },

    /** Stop seeding, until `resume`. */
    pause() {
      paused = true;
      closeAll();
    },

    /** Seed again. */
    resume() {
      paused = false;
      openAll();
    },

    /**
     * Keep the visitor's answer: without consent nothing is shared with, or taken from, other visitors.
     *
     * @param {boolean} given
     */
    consent(given) {
      consented = given;
      writeCookie(consentCookie, Number(given), CONSENT_SECONDS);
      if (given) openAll();
      else closeAll();
    },

    // For the clients of bundles, not for pages:

    /** @param {import("./types.js").SeedingIsland} island a bundle that is on its way */
    begin(island) {
      pending++;
      consentCookie = island.consentCookie;
      const said = readCookie(consentCookie);
      consented = said ? said === "1" : !island.consent;
    },

    /** @param {import("./types.js").Delivery} record of a bundle that has run */
    finish(record) {
      pending--;
      deliveries.push(record);
      emit("delivered", record);
      settle();
    },

    /**
     * Seed, as soon as the page has loaded: never before the app runs.
     *
     * @param {import("./types.js").SeedingIsland} island
     * @param {string} src of the script
     * @param {() => Promise<Blob>} read gives the bundle
     * @param {import("./types.js").Delivery} record
     */
    seed(island, src, read, record) {
      const start = async () => {
        // What only seeding needs is no part of any response: one file, which the browser keeps for all bundles.
        const { createSeeder } = await import(endpoint(island, src, `${island.client}/seeder.js`));
        const blob = await read();
        const base = endpoint(island, src, "");
        seeders[base] ??= createSeeder(base, island);
        seeders[base].add({ island, blob, announced: () => emit("seeding", record) });
        if (maySeed()) seeders[base].open();
      };
      const later = () => setTimeout(() => start().catch(console.debug));
      if (!window.RTCPeerConnection) return;
      if (document.readyState === "complete") later();
      else window.addEventListener("load", later);
    },
  };
}
