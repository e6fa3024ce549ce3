/**
 * Brings a page's modules together, from other browsers and the server, and links them: each becomes one `blob:` URL,
 * whoever asks for it and however often. Loaded where a module of a page is to come from peers.
 */

// What is exported keeps its name and takes what it took: pages from before a deploy import it as well (docs/protocol.rst).

import { findHash, toHex } from "./digest.js";
import { rewrite } from "./edits.js";
import { renameErrors } from "./names.js";
import { markedUrl } from "./urls.js";

/** Deliveries by peers at a time: each has connections of its own. */
const MOST_AT_A_TIME = 6;

/**
 * @typedef {object} Part A module on its way, or here.
 * @property {string} url
 * @property {import("./types.js").PartIsland} island
 * @property {string[]} needs URLs of the parts that it imports
 * @property {Promise<import("./seeder.js").Prepared>} got its bytes
 * @property {Delivering | null} delivery null where peers have no part in it
 * @property {Promise<string>} [address] its `blob:` URL
 * @property {boolean} settled
 *
 * @typedef {object} Delivering One bundle on its way, until it has run.
 * @property {import("./types.js").Delivery} record
 * @property {(reason: string) => void} fallBack called when peers fail
 * @property {() => Promise<() => import("./seeder.js").Prepared | Promise<import("./seeder.js").Prepared>>} find finds a
 *   way to its bytes, from an earlier visit, peers or the server
 * @property {(got: import("./seeder.js").Prepared | null, ran?: boolean) => void} finish tells of it, and seeds; null if
 *   the browser loaded it by itself
 *
 * @typedef {(island: import("./types.js").ReceivingIsland, src: string, asked: string) => Delivering} Begin with the URL
 *   of the bundle, and the one that the island came from
 *
 * @typedef {object} Linked
 * @property {string} url where a module is that can run
 * @property {() => void} settle tells of all deliveries for it, now that it has run, and seeds
 */

/** @type {Map<string, Promise<Part | null>>} by URL; null where the server knows of no bundle there */
const parts = new Map();

/** @type {Map<string, string>} what each address stands for */
const names = new Map();

/** @type {Begin} */
let begin;

/**
 * Link a module of the page and all that it imports.
 *
 * @param {import("./types.js").PartIsland} island
 * @param {string} src
 * @param {Begin} how
 * @returns {Promise<Linked>} rejects where that can't be done; nothing has run then
 */
export async function link(island, src, how) {
  if (!begin) {
    watchPreloads();
    renameErrors((address) => names.get(address));
  }
  begin = how;
  if (!parts.has(src)) remember(src, Promise.resolve(collect(src, island)));
  return /** @type {Promise<Linked>} */ (linkAt(src));
}

/**
 * Import a module, as `import()` does in a module at another URL.
 *
 * @param {unknown} specifier
 * @param {string} from the other URL
 */
export async function load(specifier, from) {
  const text = `${specifier}`;
  const url = resolve(text, from);
  if (!url?.startsWith(`${window.origin}/`)) return import(url ?? text);
  const linked = await linkAt(url).catch((error) => {
    console.error(`ViralJS can't import ${url}:`, error);
    throw error;
  });
  if (!linked) return import(url);
  const running = import(linked.url);
  running.then(linked.settle, linked.settle);
  return running;
}

/**
 * What a linked module gets in place of its own `import()` and `import.meta`.
 *
 * @param {string} url
 */
export const helperOf = (url) => ({
  load: (/** @type {unknown} */ specifier) => load(specifier, url),
  meta: Object.assign(Object.create(null), {
    resolve: (/** @type {unknown} */ specifier) =>
      resolve(`${specifier}`, url) ?? import.meta.resolve(/** @type {string} */ (specifier)),
    url,
  }),
});

/**
 * @param {string} specifier
 * @param {string} from
 * @returns {string | null} null for a bare one, which is the browser's own matter
 */
function resolve(specifier, from) {
  if (/^\.{0,2}\//.test(specifier)) return new URL(specifier, from).href;
  try {
    return new URL(specifier).href;
  } catch {
    return null;
  }
}

// The graph ----------------------------------------------------------------------------------------------

/**
 * What failed may be asked for again.
 *
 * @param {string} url
 * @param {Promise<Part | null>} coming
 */
function remember(url, coming) {
  parts.set(url, coming);
  coming.catch(() => forget(url, coming));
  return coming;
}

/**
 * @param {string} url
 * @param {Promise<Part | null>} coming
 */
function forget(url, coming) {
  if (parts.get(url) === coming) parts.delete(url);
}

/** @param {string} url */
const partAt = (url) => parts.get(url) ?? remember(url, ask(url));

/**
 * Ask the server how to get and run a module.
 *
 * @param {string} url
 * @returns {Promise<Part | null>}
 */
async function ask(url) {
  const asked = markedUrl(url, "part");
  const response = await fetch(asked);
  const decided = response.headers.get("ViralJS-Delivery");
  if (!response.ok) throw new TypeError(`Failed to fetch dynamically imported module: ${url}`);
  if (!decided) {
    response.body?.cancel();
    return null;
  }
  const island = await response.json();
  if (!island.module) throw new Error(decided.replace(/.*=/, ""));
  return collect(url, island, asked);
}

/**
 * Begin to get a module's bytes, and to ask for what it imports.
 *
 * @param {string} url
 * @param {import("./types.js").PartIsland} island
 * @param {string} [asked] where the island came from
 * @returns {Part}
 */
function collect(url, island, asked = markedUrl(url, "module")) {
  const paths = island.module.imports.filter(([, , , , , isPart]) => isPart);
  const needs = paths.map(([, , , , specifier]) => new URL(specifier, url).href);
  for (const need of needs) partAt(need).catch(() => {});
  const delivery = island.ticket ? begin(/** @type {any} */ (island), url, asked) : null;
  const got = obtain(island, url, delivery);
  /** @type {Part} */
  const part = { url, island, needs, got, delivery, settled: false };
  got.catch(() => parts.delete(url));
  return part;
}

/**
 * Give a module and all that it imports, each after what it needs.
 *
 * @param {string} root
 * @returns {Promise<Part[]>} rejects where modules import each other in a circle: none of them can be first
 */
async function inOrder(root) {
  /** @type {Map<string, Part>} */
  const known = new Map();
  /** @type {Set<string>} */
  const asked = new Set();
  /** @param {string} url @returns {Promise<void>} */
  async function reach(url) {
    asked.add(url);
    const part = await partAt(url);
    if (!part) throw new Error("imports");
    known.set(url, part);
    await Promise.all(part.needs.filter((need) => !asked.has(need)).map(reach));
  }
  await reach(root);

  /** @type {Part[]} */
  const order = [];
  const open = new Set();
  /** @param {string} url */
  function visit(url) {
    const part = /** @type {Part} */ (known.get(url));
    if (order.includes(part)) return;
    if (open.has(url)) throw new Error("cycle");
    open.add(url);
    part.needs.forEach(visit);
    order.push(part);
  }
  visit(root);
  return order;
}

/**
 * @param {string} root
 * @returns {Promise<Linked | null>} null where there is no bundle at this URL
 */
async function linkAt(root) {
  if (!(await partAt(root))) return null;
  const order = await inOrder(root);
  /** @type {Map<string, Promise<string>>} */
  const addresses = new Map();
  for (const part of order) {
    part.address ??= makeAddress(part, addresses);
    addresses.set(part.url, part.address);
  }
  const made = await Promise.all(addresses.values());
  return { url: /** @type {string} */ (made.pop()), settle: () => order.forEach(settle) };
}

/**
 * @param {Part} part
 * @param {Map<string, Promise<string>>} addresses of what it needs, among others
 */
async function makeAddress(part, addresses) {
  const { url, island, needs, got } = part;
  try {
    /** @type {Map<string, string>} */
    const made = new Map();
    for (const need of needs) made.set(need, await /** @type {Promise<string>} */ (addresses.get(need)));
    const { module } = island;
    const bytes = new Uint8Array(await /** @type {Blob} */ ((await got).blob).arrayBuffer());
    const helper = module.calls.length || module.metas.length ? addressOf([helperText(url)]) : "";
    const address = addressOf(
      rewrite(
        bytes,
        module,
        (specifier, isPart) => {
          const target = resolve(specifier, url);
          return (isPart ? made.get(/** @type {string} */ (target)) : target) ?? specifier;
        },
        helper,
        url,
      ),
    );
    names.set(address, url);
    return address;
  } catch (error) {
    parts.delete(url);
    throw error;
  }
}

/** @param {string} url */
const helperText = (url) =>
  `import{helperOf}from${JSON.stringify(import.meta.url)};export const{load,meta}=helperOf(${JSON.stringify(url)})`;

/** @param {(Uint8Array | string)[]} text @returns {string} an address that holds as long as the page */
const addressOf = (text) =>
  URL.createObjectURL(new Blob(/** @type {BlobPart[]} */ (text), { type: "text/javascript" }));

// The bytes ----------------------------------------------------------------------------------------------

let underWay = 0;
/** @type {(() => void)[]} */
const waiting = [];

/**
 * @param {import("./types.js").PartIsland} island
 * @param {string} url
 * @param {Delivering | null} delivery
 * @returns {Promise<import("./seeder.js").Prepared>}
 */
async function obtain(island, url, delivery) {
  if (!delivery) return fetchWhole(island, url);
  if (underWay >= MOST_AT_A_TIME) await new Promise((resolve) => waiting.push(() => resolve(undefined)));
  underWay++;
  try {
    return await (await delivery.find())();
  } catch (error) {
    console.debug(error);
    delivery.fallBack(/** @type {Error} */ (error).message);
    const got = await fetchWhole(island, url);
    delivery.record.bytesFromServer += island.size;
    return got;
  } finally {
    underWay--;
    waiting.shift()?.();
  }
}

/**
 * Without peers, under the URL that the browser may have it in its cache for, with the addition behind it. What is known
 * of a module holds for these bytes only.
 *
 * @param {import("./types.js").PartIsland} island
 * @param {string} url
 */
async function fetchWhole(island, url) {
  const response = await fetch(url);
  if (!response.ok) throw new TypeError(`Failed to fetch dynamically imported module: ${url}`);
  const blob = (await response.blob()).slice(0, island.size);
  const hash = await findHash(island, url);
  if (toHex(await hash(new Uint8Array(await blob.arrayBuffer()))) !== island.digest) throw new Error("version");
  return { blob };
}

/** @param {Part} part that has run */
async function settle(part) {
  const { delivery, island, got } = part;
  if (!delivery || part.settled) return;
  part.settled = true;
  window.ViralJS?.begin(island).done();
  delivery.finish(await got);
}

// The page -----------------------------------------------------------------------------------------------

/**
 * Bundlers put links of `modulepreload` into the head before they import. The browser would download these modules, for
 * URLs that nobody imports: get them our way instead. The link stays, since bundlers look for it.
 */
function watchPreloads() {
  const { head } = document;
  const native = head.appendChild;
  head.appendChild = (node) => {
    const link = /** @type {any} */ (node);
    if (link.rel === "modulepreload" && !window.viraljsNative && link.href.startsWith(`${window.origin}/`)) {
      link.rel = "viraljs";
      partAt(link.href).catch(console.debug);
    }
    return /** @type {any} */ (native.call(head, node));
  };
}
