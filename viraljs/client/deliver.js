/** One delivery, from the thin client's first line to the running app and the seeding after it. */

import { alarm } from "./alarm.js";
import { insert, ofDocument, ownGlobal, readyState } from "./builtins.js";
import { allCookies, readCookie } from "./cookies.js";
import { KEPT_DIGITS } from "./kept.js";
import { runningScript } from "./late.js";
import { isParsing, isTimed, moments } from "./moments.js";
import { holdLater } from "./order.js";
import { emit, newRecord, thePage } from "./page.js";
import { holdLoad, mayRun, runInPlace, runPlainly } from "./place.js";
import { isWanted, makeScript } from "./scripts.js";
import { trust as ownTrust } from "./trust.js";
import { directUrl, endpoint, markedUrl, plainUrl } from "./urls.js";
import { findPage } from "./versions.js";

/** How much longer than the deadline the storage and the server may take to give what fetches the bundle. */
const CLIENT_MS = 1000;
/** How long the server may take to give what links modules, and timers to fire that wait for nothing. */
const MODULES_MS = 2000;
/** How long a script from a `blob:` URL may say nothing, where `run.js` does not know better. */
const PLAIN_MS = 10000;
/** Reasons from which the server draws conclusions. An error may have such a message by chance. */
const TELLING = /^(block(ed|ing)|document-write)$/;

/** A delivery by peers can't be, for a reason of ours. */
class Refusal extends Error {}

/**
 * One bundle on its way, until it has run.
 *
 * @param {import("./page.js").Page} page
 * @param {Promise<import("./types.js").Runner>} runner
 * @param {import("./types.js").ReceivingIsland} island
 * @param {string} src of the bundle, for its page
 * @param {string} asked where the island came from
 * @param {string} [source] where the server has it
 * @returns {import("./module.js").Delivering}
 */
function begin(page, runner, island, src, asked, source = src) {
  const began = performance.now();
  const record = newRecord(src, island.digest);

  /** @param {import("./seeder.js").Prepared} prepared seeded at once if it is still coming: others wait for it */
  const share = (prepared) => page.seed(island, src, async () => prepared, record, prepared.partial);

  /** @param {string} reason */
  function fallBack(reason) {
    if (record.reason) return;
    record.reason = reason;
    emit("fallback", record);
  }

  async function find() {
    // The first look into the storage costs a browser as much as an introduction.
    const may = !navigator.cookieEnabled || allCookies().includes(island.digest.slice(0, KEPT_DIGITS));
    const blob = may && (await (await runner).findKept(island, src));
    if (blob) {
      return () => {
        record.bytesFromCache = island.size;
        return { blob };
      };
    }
    const client = await load(island, src, "receive");
    return () => client.receive(island, source, roundTripOf(asked), record, fallBack, share);
  }

  return {
    record,
    fallBack,
    find: () => within(island.deadline + CLIENT_MS, find()),

    finish(got, ran = true) {
      record.milliseconds = Math.round(performance.now() - began);
      if (got && record.bytesFromCache) record.source = "cache";
      else if (got && record.bytesFromPeers) record.source = record.bytesFromServer ? "mixed" : "peers";
      record.peers = record.uploads.filter(({ bytes }) => bytes).length;
      // The addition has spoken of a module that ran from its own URL.
      const twin = island.module && page.deliveries.find(({ url }) => url === src);
      if (twin) twin.reason = record.reason;
      page.finish(ran && !twin ? record : undefined);
      if (record.reason === "again") return;
      // A page that lets nothing of ours run is not to be tried again.
      if (!ran && !TELLING.test(`${record.reason}`)) return;
      runner.then(({ report }) => report(island, src, record)).catch(console.debug);
      if (got) share(got);
    },
  };
}

/**
 * Deliver a bundle. Whatever goes wrong on the way, it runs, and once.
 *
 * @param {import("./types.js").ReceivingIsland} island
 * @param {HTMLOrSVGScriptElement | null} element the thin client's own; null where it was evaluated by hand
 */
export async function deliver(island, element) {
  /** @type {Course} */
  const course = { handed: false, end() {} };
  try {
    await attempt(island, element, course);
  } catch (error) {
    console.debug(error);
    try {
      if (!course.handed) return await loadPlainly(island, element, course);
    } catch (error) {
      // The policy of the page takes no URL of ours, not even at the last.
      console.debug(error);
    }
    course.end("error");
  }
}

/**
 * @param {string} url
 * @param {boolean} wanted there is no time for it now
 * @returns {Promise<import("./types.js").Runner>} at worst one that does the least
 */
async function loadRunner(url, wanted) {
  // What failed stays so, under its URL.
  const again = () => import(`${url}?again`);
  /** @type {import("./types.js").Runner} */
  const plain = {
    // What is kept is worth the wait: nothing else spares the visitor the bytes.
    findKept: (...all) =>
      import(url).then(
        ({ findKept }) => findKept(...all),
        () => null,
      ),
    nameCode: async (blob) => blob,
    report: async (...all) => (await again()).report(...all),
    run: (original, address, _src, _last, size) => runPlainly(original, address, size && PLAIN_MS),
    runDependents: async () => {
      if (document.querySelector('script[type="text/viral"]')) (await again()).runDependents();
    },
  };
  return wanted ? plain : within(CLIENT_MS, import(url)).catch(() => plain);
}

/**
 * The last resort, which needs next to nothing of the rest.
 *
 * @param {import("./types.js").ReceivingIsland} island
 * @param {HTMLOrSVGScriptElement | null} element
 * @param {Course} course
 */
async function loadPlainly(island, element, course) {
  const original = /** @type {HTMLScriptElement | null} */ (element);
  const src = plainUrl(original?.src ?? "").endsWith(island.url) ? /** @type {any} */ (original).src : island.url;
  const url = island.module ? src : directUrl(island, src);
  const trust = findPage()?.trust ?? ownTrust;
  // What is waited for keeps its place.
  const waited = original && !original.async && !island.module && !course.placed && readyState() !== "complete";
  if (waited && (await runInPlace(original, url, trust))) return course.end("load");
  const script = makeScript();
  if (island.module) script.type = "module";
  script.nonce = element?.nonce ?? "";
  script.onload = script.onerror = (event) => course.end(/** @type {any} */ (event).type);
  try {
    script.src = trust(url);
  } catch {
    script.src = url;
  }
  insert(script);
}

/**
 * @typedef {object} Course
 * @property {boolean} [placed] whether it was to run in the tag's place, for which the time is over
 * @property {boolean} handed whether the browser has been given the code, which it may have run
 * @property {(type: "load" | "error") => void} end lets go of what waits for the bundle
 */

/**
 * @param {import("./types.js").ReceivingIsland} island
 * @param {HTMLOrSVGScriptElement | null} element
 * @param {Course} course
 */
async function attempt(island, element, course) {
  const original = /** @type {HTMLScriptElement} */ (element ?? Object.assign(makeScript(), { src: island.url }));
  // An SVG's script has its address elsewhere.
  const asked = original.src ?? new URL(/** @type {any} */ (original).href.baseVal, ofDocument("baseURI")).href;
  const src = plainUrl(asked);
  // It may run in place of another, by one of those addresses.
  const loaded = runningScript()?.src || asked;
  if (/[?&]viraljs=direct\b/.test(loaded) || (island.direct && loaded.endsWith(island.direct))) {
    course.handed = true;
    console.error(`ViralJS: a cache answers ${loaded} with another URL's bytes; it must heed path and query`);
    if (!island.direct || loaded.endsWith(island.direct)) return;
    // Or a redirect has lost the query: the path has none.
    const { trust } = thePage();
    const path = directUrl(island, src.endsWith(island.url) ? src : new URL(island.url, loaded).href);
    if (original.async || !(await runInPlace(original, path, trust))) await runPlainly(original, trust(path));
    return;
  }
  // Another URL of the site may lead to the bundle's, such as `/latest.js`.
  const source = timingOf(asked)?.redirectStart ? new URL(island.url, asked).href : src;
  const direct = directUrl(island, source);
  // Else this is here for the order of the scripts only: `viral_script` took the bundle for another one than it is.
  const shared = island.ticket || island.module;
  // Asked before what stands behind the bundle is held, which is elsewhere then.
  const foreign = island.module && hasForeignModules();
  // Where a browser hides how far the page is, nothing can be put into its place later.
  const unsure = !original.async && !isTimed();
  const wanted = !island.module && (isWanted(original) || unsure);
  const runner = loadRunner(endpoint(island, src, `${island.client}/run.js`), wanted);
  const page = thePage(() => runner.then(({ runDependents }) => runDependents()).catch(console.debug));
  if (asked !== src) unmark(original, page.trust);
  if (island.module) original.type = "module";
  const giveLoad = holdLoad(original);
  course.end = giveLoad;
  const turn = page.begin(island, original);
  const again = page.tickets.has(island.ticket);
  // Others have none.
  if (island.ticket) page.tickets.add(island.ticket);
  course.end = (type) => {
    turn.done();
    giveLoad(type);
    page.finish();
  };
  const delivery = begin(page, runner, island, src, asked, source);

  /** @param {boolean} ran @param {import("./seeder.js").Prepared | null} got */
  function finish(ran, got) {
    course.end = () => {};
    turn.done();
    giveLoad(ran ? "load" : "error");
    if (linked || !island.ticket) page.finish();
    else delivery.finish(got, ran);
  }

  /** @type {import("./seeder.js").Prepared | null} */
  let got = null;
  /** @type {import("./module.js").Linked | null} */
  let linked = null;
  let ran = false;

  if (wanted) {
    course.handed = course.placed = true;
    if (shared) delivery.fallBack(unsure ? "no-timing" : "blocking");
    ran = await runInPlace(original, direct, page.trust);
    course.handed = ran;
    if (ran) {
      delivery.record.bytesFromServer += island.size;
      return finish(ran, null);
    }
  }
  if (isParsing() && !original.async) moments().holdParsed(turn.ended);
  else moments().holdLoad(turn.ended);
  holdLater(page, island, original, runner);

  /**
   * Run it, as deferred scripts run: not before those that came before it.
   *
   * @param {string} url
   * @param {number} [size] bytes, where it is known how long it may take to run
   */
  async function runInTurn(url, size) {
    const { run } = await runner;
    await turn.before;
    if (linked) {
      if (ownGlobal("viraljsNative")) throw new Refusal("native");
      page.linked++;
    }
    const running = run(original, page.trust(url), src, page.last, size);
    course.handed = true;
    const { ran, wrote } = await running;
    if (linked && !ran) page.linked--;
    if (wrote) delivery.fallBack("document-write");
    return ran;
  }

  async function check() {
    const may = await mayRun(original, page.trust);
    if (!may) throw new Refusal(may === null ? "silent" : "blocked");
  }

  async function linkAll() {
    page.modules ??= within(MODULES_MS, load(island, src, "module"));
    const [client] = await Promise.all([page.modules, check()]);
    const part = /** @type {import("./types.js").PartIsland} */ (island);
    return { got: null, linked: await client.link(part, src, begin.bind(null, page, runner)) };
  }

  async function takeBlob() {
    const [take] = await Promise.all([delivery.find(), check()]);
    const got = await take();
    const { nameCode } = await runner;
    return { got, linked: null, blob: await nameCode(/** @type {Blob} */ (got.blob), src) };
  }

  try {
    if (wanted || unsure) throw new Refusal(unsure ? "no-timing" : "blocking");
    if (!shared) throw new Refusal("untouched");
    if (again) throw new Refusal("again");
    if (foreign) throw new Refusal("native");
    if (!window.RTCPeerConnection) throw new Refusal("no-webrtc");
    const refusal = island.ticket && refuse(island, turn.consented);
    if (refusal) throw new Refusal(refusal);
    const finding = island.module ? linkAll() : takeBlob();
    // Beside modules that are linked already there is no other way.
    const found = await (page.linked ? finding : Promise.race([finding, stopped()]));
    ({ got, linked } = found);
    const url = linked?.url ?? URL.createObjectURL(found.blob);
    // A module may wait for anything before it has run.
    ran = await runInTurn(url, linked ? undefined : island.size);
    if (!linked) URL.revokeObjectURL(url);
    if (!ran) throw new Refusal("silent");
  } catch (error) {
    console.debug(error);
    got = linked = null;
    const { message } = /** @type {Error} */ (error);
    if (shared) delivery.fallBack(TELLING.test(message) && !(error instanceof Refusal) ? "error" : message);
    // A module that ran from its own URL and from another one would be there twice.
    if (island.module) window.viraljsNative = !page.linked;
    if (!ran && !(island.module && page.linked)) {
      ran = await runInTurn(island.module ? src : direct);
      // A policy or a proxy may let scripts through by their paths, and knows that of the bundle only.
      if (!ran && island.direct && !island.module) ran = await runInTurn(markedUrl(src, "direct"));
      if (ran) delivery.record.bytesFromServer += island.size;
    }
  }
  finish(ran, got);
  linked?.settle();
}

/**
 * Whether the page has modules that we did not write the tags of: what these import runs from its own URL.
 *
 * @returns {boolean}
 */
const hasForeignModules = () =>
  !!ofDocument("querySelector").call(document, 'script[type="module"]:not([data-viraljs])');

/**
 * Take the mark of ours from the tag: it is to be as its page would have it without us.
 *
 * @param {HTMLScriptElement} original
 * @param {(url: string) => any} trust
 */
function unmark(original, trust) {
  try {
    // What has been loaded is not loaded again by a change of its address.
    original.setAttribute("src", trust(plainUrl(original.getAttribute("src") ?? "")));
  } catch (error) {
    // The policy of the page takes no URL of ours: it can't run either, and says so later.
    console.debug(error);
  }
}

/**
 * @param {import("./types.js").ReceivingIsland} island
 * @param {string} src of the bundle
 * @param {string} name of a script of ours
 */
const load = (island, src, name) =>
  import(endpoint(island, src, `${island.client}/${name}.js`)).catch(() => {
    throw new Refusal("client");
  });

/**
 * @template T
 * @param {number} milliseconds
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
const within = (milliseconds, promise) =>
  Promise.race([
    promise,
    alarm(milliseconds).then(() => {
      throw new Refusal("client");
    }),
  ]);

/** @returns {Promise<any>} rejected where timers stand still, without which nothing that falls silent is given up */
const stopped = () =>
  within(MODULES_MS, new Promise((resolve) => setTimeout(resolve))).then(() => new Promise(() => {}));

/**
 * Say how long the server takes to answer, as this page has seen it.
 *
 * @param {string} src of the thin response
 * @returns {number} milliseconds
 */
function roundTripOf(src) {
  const timing = timingOf(src);
  return timing ? timing.responseStart - timing.requestStart : 0;
}

/**
 * @param {string} src
 * @returns {PerformanceResourceTiming | undefined} of its last request, where the page lets it be seen
 */
const timingOf = (src) => /** @type {PerformanceResourceTiming[]} */ (performance.getEntriesByName(src)).slice(-1)[0];

/**
 * Say what keeps this browser from taking part. The server looks first, but can't where the page is of another origin
 * and its cookies stay there.
 *
 * @param {import("./types.js").ReceivingIsland} island
 * @param {boolean} consented
 */
const refuse = ({ breaker: [name, , most] }, consented) =>
  consented ? (readCookie(name) ?? 0) >= most && "breaker" : "consent";
