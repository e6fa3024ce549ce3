/** `window.ViralJS`: what the page can see and say, and what several bundles of one page share. */

import { makeEvent, readyState } from "./builtins.js";
import { readCookie, writeCookie } from "./cookies.js";
import { trust } from "./trust.js";
import { endpoint } from "./urls.js";
import { findPage, keepPage } from "./versions.js";

const CONSENT_SECONDS = 31536000;

const isComplete = () => readyState() === "complete";

/**
 * @typedef {ReturnType<typeof createPage>} Page
 *
 * @typedef {object} Turn One of those that run in order.
 * @property {Promise<any>} before what began before it has ended
 * @property {Promise<any>} ended it has ended itself
 * @property {() => void} done ends it
 * @property {boolean} consented whether the visitor lets it take part
 */

/**
 * The page's one object: whichever client came first has made it. It may be of another version, and lack what this one
 * calls; then it gets that.
 *
 * @param {() => any} [runDependents] runs the scripts of the page that wait for its bundles
 */
export function thePage(runDependents = () => {}) {
  /** @type {any} */
  const known = findPage();
  /** @type {any} */
  const page = createPage(runDependents, !known);
  if (!known) keepPage(page);
  else for (const name in page) if (!(name in known)) known[name] = page[name];
  return /** @type {Page} */ (known ?? page);
}

/**
 * @param {string} name
 * @param {object} detail
 */
export const emit = (name, detail) => window.dispatchEvent(makeEvent(`viraljs:${name}`, false, detail));

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

/**
 * @param {() => any} runDependents
 * @param {boolean} first whether it is the page's, and no source of what another version's lacks
 */
function createPage(runDependents, first) {
  /** @type {import("./types.js").Delivery[]} */
  const deliveries = [];
  /** @type {Record<string, import("./seeder.js").Seeder>} by the URL of their signaling */
  const seeders = {};
  /** @type {((records: import("./types.js").Delivery[]) => void)[]} */
  const waiting = [];
  /** @type {WeakMap<HTMLScriptElement, Pick<Turn, "before"> & Partial<Turn> & {begun?: (ended: Promise<any>) => void}>} */
  const turns = new WeakMap();
  let pending = 0;
  let consentCookie = "";
  let consented = true;
  let paused = false;
  // Not `readyState`, which is "interactive" while deferred scripts, other bundles among them, have yet to run.
  let parsed = isComplete();
  let last = Promise.resolve();

  /** Goes on when everything known has run, and the page is parsed, so that nothing more comes of it. */
  function settle() {
    if (pending || !parsed) return;
    // Behind what the bundles wanted to be called for when the page is parsed.
    last.then(() => {
      runDependents();
      for (const resolve of waiting.splice(0)) resolve(deliveries);
    });
  }

  function update() {
    for (const seeder of Object.values(seeders)) seeder.allow(consented && !paused);
  }

  for (const type of first ? ["DOMContentLoaded", "load"] : []) {
    window.addEventListener(type, () => {
      parsed = true;
      settle();
    });
  }

  return {
    /** One record for each bundle that has run. */
    deliveries,

    /** Resolves with the records when all bundles that the page has asked for by now have run. */
    get ready() {
      return /** @type {Promise<import("./types.js").Delivery[]>} */ (
        new Promise((resolve) => {
          waiting.push(resolve);
          settle();
        })
      );
    },

    /** Stop seeding, until `resume`. */
    pause() {
      paused = true;
      update();
    },

    /** Seed again. */
    resume() {
      paused = false;
      update();
    },

    /**
     * Keep the visitor's answer: without consent nothing is shared with, or taken from, other visitors.
     *
     * @param {boolean} given
     */
    consent(given) {
      consented = given;
      writeCookie(consentCookie, Number(given), CONSENT_SECONDS);
      update();
    },

    // For the clients of bundles, not for pages. Clients of other versions call them too, the last release's and the next
    // one's: what they take and give stays as it is, and what is to be otherwise gets another name.

    /** @type {Promise<typeof import("./module.js")> | undefined} what links modules, once one is to be linked */
    modules: undefined,

    /** Tickets that were taken: one for two tags, from a cache, is good for one delivery. */
    tickets: new Set(),

    /** Modules that have run from `blob:` URLs, or are about to: where there are any, none may run from its own. */
    linked: 0,

    /**
     * @param {import("./types.js").SeedingIsland} island a bundle that is on its way
     * @param {HTMLScriptElement} [original] its element
     * @returns {Turn}
     */
    begin(island, original) {
      let done = () => {};
      const ended = new Promise((resolve) => {
        done = () => resolve(undefined);
      });
      const given = original && turns.get(original);
      // Who wrote `async` wants no order.
      const alone = !given && original?.async;
      const turn = { before: given?.before ?? (alone ? Promise.resolve() : last), ended, done, consented: false };
      if (!given && !alone) last = ended.then(() => turn.before);
      given?.begun?.(ended);
      if (original) turns.set(original, turn);
      pending++;
      consentCookie = island.consentCookie;
      consented = (readCookie(consentCookie) ?? Number(!island.consent)) > 0;
      turn.consented = consented;
      return turn;
    },

    /** Resolves when all that have begun by now have ended, in their order. */
    last: () => last,

    /** The turns of bundles by their elements; of one that is yet to begin, only what it has to wait for. */
    turns,

    /** One policy for all clients of the page: a second one of its name could not be made. */
    trust,

    /** @param {import("./types.js").Delivery} [record] of a bundle that has run; none if it never will */
    finish(record) {
      pending--;
      if (record) {
        deliveries.push(record);
        emit("delivered", record);
      }
      settle();
    },

    /**
     * Seed, as soon as the page has loaded: never before the app runs.
     *
     * @param {import("./types.js").SeedingIsland} island
     * @param {string} src of the script
     * @param {() => Promise<import("./seeder.js").Prepared>} prepare gives what there is to seed
     * @param {import("./types.js").Delivery} record
     * @param {boolean} [early] at once: others wait for what this page is still receiving
     */
    seed(island, src, prepare, record, early) {
      async function start() {
        // What only seeding needs is no part of any response: one file, which the browser keeps for all bundles.
        const { createSeeder } = await import(endpoint(island, src, `${island.client}/seeder.js`));
        const prepared = await prepare();
        const base = endpoint(island, src, "");
        seeders[base] ??= createSeeder(base, island);
        update();
        seeders[base].add({ ...prepared, island, record });
      }
      function later() {
        // A page that nobody looks at yet makes no connections.
        if (document.prerendering) document.addEventListener("prerenderingchange", later, { once: true });
        else setTimeout(() => start().catch(console.debug));
      }
      if (!window.RTCPeerConnection) return;
      if (early || isComplete()) later();
      else window.addEventListener("load", later);
    },
  };
}
