/** Stand-ins for what a browser gives the client: clock, channels, connections, sockets, responses. Nothing here waits. */

import { createPieces } from "../../viraljs/client/pieces.js";
import { sha256Sync } from "../../viraljs/client/sha256.js";
import { decode } from "../../viraljs/client/wire.js";

/** Where the client's modules are, in the fields of an island: `endpoint` makes `file:` URLs of them. */
export const SRC = new URL("../../", import.meta.url).href;
export const CLIENT = { base: new URL("../../viraljs", import.meta.url).pathname, client: "client" };

/** Where the page is. */
export const PAGE = "https://page.example";

/**
 * Put values in the place of globals until the test ends.
 *
 * @param {{after: (restore: () => void) => void}} t
 * @param {Record<string, unknown>} values
 */
export function patch(t, values) {
  for (const [name, value] of Object.entries(values)) {
    const before = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    t.after(() => {
      if (before) Object.defineProperty(globalThis, name, before);
      else delete globalThis[name];
    });
  }
}

// Time ------------------------------------------------------------------------------------------------

const { setImmediate } = globalThis;
const TURNS = 5;

/** No test needs as many: one that waits for what never comes fails, and does not hang. */
const MOST_TURNS = 200_000;

/** Let the event loop turn until it is so: for what other threads do, such as compression. */
export async function until(condition) {
  for (let turn = 0; !condition(); turn++) {
    if (turn > MOST_TURNS) throw new Error(`never so: ${condition}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Let everything happen that needs no time. */
export async function flush() {
  for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Time that passes when the test says so; replaces timers and `performance.now`. */
export function fakeClock(t) {
  let now = 0;
  let newest = 0;
  const timers = new Map();
  patch(t, {
    setTimeout(run, delay = 0, ...values) {
      timers.set(++newest, { at: now + Math.max(0, delay), run: () => run(...values) });
      return newest;
    },
    clearTimeout: (timer) => timers.delete(timer),
    performance: { now: () => now, getEntriesByType: () => [{ name: `${PAGE}/page` }], getEntriesByName: () => [] },
  });
  // What a page can't put anything in the place of has the same time here.
  t.mock?.method(AbortSignal, "timeout", (milliseconds) => {
    const signal = { onabort() {} };
    timers.set(++newest, { at: now + milliseconds, run: () => signal.onabort() });
    return signal;
  });
  return {
    now: () => now,
    /** How long each waiting timer still has, ascending. */
    waits: () => [...timers.values()].map(({ at }) => at - now).sort((a, b) => a - b),
    async advance(milliseconds) {
      const end = now + milliseconds;
      await flush();
      for (;;) {
        const due = [...timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
        if (!due) break;
        timers.delete(due[0]);
        now = due[1].at;
        due[1].run();
        await flush();
      }
      now = end;
    },
  };
}

// Chance ----------------------------------------------------------------------------------------------

/** Random numbers that are the same in each run (mulberry32). */
export function createRandom(seed) {
  let state = seed;
  function next() {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  /** From 0 to `below`, that excluded. */
  const integer = (below) => Math.floor(next() * below);
  return {
    next,
    integer,
    word: () => integer(2 ** 32),
    bytes: (length) => Uint8Array.from({ length }, () => integer(256)),
    pick: (values) => values[integer(values.length)],
  };
}

// Bundles ---------------------------------------------------------------------------------------------

/** A prime, so that no two pieces or messages of a bundle are the same. */
const PATTERN_BYTES = 65537;

/** The bytes of a bundle, random up to a length after which they repeat. */
export function makeBytes({ size = 1000, pieceLength = 100, seed = 1 } = {}) {
  const bytes = new Uint8Array(size);
  const pattern = createRandom(seed).bytes(Math.min(size, PATTERN_BYTES));
  for (let at = 0; at < size; at += PATTERN_BYTES) bytes.set(pattern.subarray(0, size - at), at);
  const pieceOf = (piece) => bytes.slice(piece * pieceLength, (piece + 1) * pieceLength);
  return { size, pieceLength, count: Math.ceil(size / pieceLength), bytes, pieceOf };
}

/** A bundle with its manifest, and empty `Pieces` for it. */
export function makeBundle(measures) {
  const bundle = makeBytes(measures);
  const { count, pieceOf } = bundle;
  const digests = new Uint8Array(count * 32);
  for (let piece = 0; piece < count; piece++) digests.set(sha256Sync(pieceOf(piece)), piece * 32);
  return { ...bundle, digests, pieces: createPieces(bundle, digests, async (part) => sha256Sync(part)) };
}

/** A bundle's blob as a seeder uses it, without a thread behind it. */
export const blobOf = (bytes) => ({
  slice: (start, end) => ({ arrayBuffer: async () => asMessage(bytes.subarray(start, end)) }),
});

/** Pieces as seeding uses them: all of a bundle's, or those that are held so far. */
export function storeOf({ count, pieceOf }, held = [...Array(count).keys()]) {
  const has = new Set(held);
  const watchers = [];
  const store = {
    count,
    has: (piece) => has.has(piece),
    watch: (listener) => watchers.push(listener),
    /** How often one was read. */
    reads: 0,
    async read(piece) {
      store.reads++;
      return asMessage(pieceOf(piece));
    },
    /** One more has come. */
    gain(piece) {
      has.add(piece);
      for (const watcher of watchers) watcher(piece);
    },
  };
  return store;
}

/** Read messages of a channel as `[type, ...words]`. */
export const wordsOf = (messages) => messages.map(decode).map(({ type, words }) => [type, ...words]);

/** In place of the browser's `crypto`, whose threads no test could wait for without time. */
export const CRYPTO = { subtle: { digest: async (_name, bytes) => sha256Sync(bytes).buffer } };

export const emptyRecord = () => ({
  url: "/app.js",
  digest: "0".repeat(64),
  source: "server",
  bytesFromPeers: 0,
  bytesFromServer: 0,
  bytesFromCache: 0,
  milliseconds: 0,
  peers: 0,
  reason: null,
  uploads: [],
});

/** What a channel's other end gets of a sent view. */
export const asMessage = (view) => view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);

// WebRTC ----------------------------------------------------------------------------------------------

/** RTCDataChannel: what is sent stays in the buffer until the test drains it. */
export class FakeChannel extends EventTarget {
  readyState = "connecting";
  protocol = "";
  bufferedAmount = 0;
  bufferedAmountLowThreshold = 0;
  mostBuffered = 0;
  /** @type {ArrayBuffer[]} */
  sent = [];

  send(view) {
    if (this.readyState !== "open") throw new DOMException("not open", "InvalidStateError");
    this.sent.push(asMessage(view));
    this.bufferedAmount += view.byteLength;
    this.mostBuffered = Math.max(this.mostBuffered, this.bufferedAmount);
    this.dispatchEvent(new Event("sent"));
  }

  drain(bytes = this.bufferedAmount) {
    const before = this.bufferedAmount;
    this.bufferedAmount = Math.max(0, before - bytes);
    const low = this.bufferedAmountLowThreshold;
    if (before > low && this.bufferedAmount <= low) this.dispatchEvent(new Event("bufferedamountlow"));
  }

  open() {
    this.readyState = "open";
    this.dispatchEvent(new Event("open"));
  }

  close() {
    if (this.readyState === "closed") return;
    this.readyState = "closed";
    this.dispatchEvent(new Event("close"));
  }

  receive(data) {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }
}

/** RTCPeerConnection: its description holds the candidates that it has found by then. */
export class FakeConnection {
  /** @type {FakeConnection[]} */
  static all = [];
  connectionState = "new";
  closed = false;
  found = [];
  added = [];
  remote = null;
  /** @type {Promise<void>} what `setLocalDescription` waits for */
  describing = Promise.resolve();
  /** @type {Promise<void>} what `setRemoteDescription` and `addIceCandidate` wait for */
  taking = Promise.resolve();

  constructor(configuration) {
    this.configuration = configuration;
    FakeConnection.all.push(this);
  }

  get localDescription() {
    return { sdp: ["v=0", ...this.found].join("\n") };
  }

  createDataChannel(label, { protocol = "" } = {}) {
    this.label = label;
    this.channel = Object.assign(new FakeChannel(), { protocol });
    return this.channel;
  }

  setLocalDescription() {
    return this.describing;
  }

  setRemoteDescription(description) {
    this.remote = description;
    return this.taking;
  }

  addIceCandidate(candidate) {
    this.added.push(candidate);
    return this.taking;
  }

  /** Find a candidate; none ends the gathering. */
  find(candidate) {
    if (candidate) this.found.push(candidate);
    this.onicecandidate?.({ candidate: candidate ? { candidate } : null });
  }

  become(state) {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }

  /** As a browser does: nothing is told to the side that closes. */
  close() {
    this.closed = true;
    this.connectionState = "closed";
    if (this.channel) this.channel.readyState = "closed";
  }
}

/** Make `new RTCPeerConnection` give fakes; returns those that were made. */
export function fakeConnections(t) {
  FakeConnection.all = [];
  patch(t, { RTCPeerConnection: FakeConnection });
  return FakeConnection.all;
}

// HTTP and WebSocket ----------------------------------------------------------------------------------

/** Answer `fetch` with a function; returns the calls. */
export function fakeFetch(t, answer) {
  const calls = [];
  patch(t, {
    fetch: async (url, options = {}) => {
      const call = { url, ...options };
      calls.push(call);
      return answer(call, calls.length - 1);
    },
  });
  return calls;
}

/** Answer synchronous requests with a function, which gives `[status, text]`, or throws; returns the URLs. */
export function fakeRequests(t, answer) {
  const urls = [];
  class FakeRequest {
    open(method, url, isAsync) {
      if (method !== "GET" || isAsync !== false) throw new Error("not a synchronous request");
      urls.push(url);
      this.url = url;
    }

    send() {
      [this.status, this.responseText] = answer(this.url);
    }
  }
  patch(t, { XMLHttpRequest: FakeRequest });
  return urls;
}

/** Cache Storage, of one page: what was put there, in order, by name of the cache. */
export function fakeCaches(t) {
  const stored = new Map();
  const plain = (url) => `${url}`.replace(/\?.*/, "");
  patch(t, {
    caches: {
      async open(name) {
        if (!stored.has(name)) stored.set(name, new Map());
        const cache = stored.get(name);
        return {
          keys: async () => [...cache.keys()].map((url) => ({ url })),
          delete: async (url) => cache.delete(`${url}`),
          async put(url, response) {
            cache.set(`${url}`, await response.blob());
          },
        };
      },
      async match(url, { cacheName, ignoreSearch }) {
        const cache = stored.get(cacheName) ?? new Map();
        const one = [...cache].find(([kept]) => (ignoreSearch ? plain(kept) === plain(url) : kept === url));
        return one && new Response(one[1]);
      },
    },
  });
  return stored;
}

/** A body that arrives in these chunks, and breaks off with an error after them if there is one. */
export function streamOf(chunks, error) {
  const rest = [...chunks];
  return new ReadableStream({
    pull(controller) {
      if (rest.length) controller.enqueue(rest.shift());
      else if (error) controller.error(error);
      else controller.close();
    },
  });
}

/** WebSocket: opens, speaks and breaks when the test says so. */
export class FakeSocket {
  static OPEN = 1;
  /** @type {FakeSocket[]} */
  static all = [];
  readyState = 0;
  sent = [];

  constructor(url) {
    this.url = url;
    FakeSocket.all.push(this);
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  accept() {
    this.readyState = FakeSocket.OPEN;
    this.onopen?.();
  }

  tell(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }

  /** The server, or the network, ends it. */
  lose(code = 1006) {
    this.readyState = 3;
    this.onclose({ code });
  }

  /** This side ends it: the event comes later, as in a browser. */
  close() {
    if (this.readyState === 3) return;
    this.readyState = 3;
    queueMicrotask(() => this.onclose?.({ code: 1005 }));
  }
}

/** Make `new WebSocket` give fakes; returns those that were made. */
export function fakeSockets(t) {
  FakeSocket.all = [];
  patch(t, { WebSocket: FakeSocket });
  return FakeSocket.all;
}

// The page --------------------------------------------------------------------------------------------

const captures = (options) => options === true || options?.capture;

/**
 * An EventTarget in a tree of them: what captures hears an event on its way down, the others hear it on its way up. Node's
 * own knows no way.
 */
export class FakeTarget extends EventTarget {
  #capturing = new EventTarget();

  addEventListener(type, listener, options) {
    if (captures(options)) this.#capturing.addEventListener(type, listener, { once: options.once });
    else super.addEventListener(type, listener, options);
  }

  removeEventListener(type, listener, options) {
    if (captures(options)) this.#capturing.removeEventListener(type, listener);
    else super.removeEventListener(type, listener, options);
  }

  /** What an event of this type comes through before it comes here. */
  above(_type) {
    return null;
  }

  /** An event handler of its own, beside its listeners. */
  handle(_event) {}

  dispatchEvent(event) {
    let stopped = false;
    const stop = event.stopImmediatePropagation.bind(event);
    event.stopImmediatePropagation = () => {
      stopped = true;
      stop();
    };
    if (!Object.hasOwn(event, "target")) Object.defineProperty(event, "target", { value: this });
    const above = [];
    for (let one = this.above(event.type); one; one = one.above(event.type)) above.push(one);
    const capturing = [this, ...above].reverse().map((one) => () => one.#capturing.dispatchEvent(event));
    const own = [() => this.handle(event), () => super.dispatchEvent(event)];
    const bubbling = event.bubbles ? above.map((one) => () => one.#hear(event)) : [];
    for (const hear of [...capturing, ...own, ...bubbling]) if (!stopped) hear();
    this.heard(event, stopped);
    return !event.defaultPrevented;
  }

  #hear(event) {
    super.dispatchEvent(event);
  }

  /** All have heard of an event that was sent to it, or one has kept it to itself. */
  heard(_event, _stopped) {}
}

/** A window, whose `onerror` hears of the errors that no listener has kept to itself. */
class FakeWindow extends FakeTarget {
  onload = null;
  onpageshow = null;
  onerror = null;

  heard(event, stopped) {
    if (event.type !== "error" || stopped) return;
    // A browser does not read these from the event, whose class a page may have changed.
    const { message, native, lineno, colno, error } = event;
    if (this.onerror?.(message, native, lineno, colno, error) === true) event.preventDefault();
  }
}

/** What is in a tree: an element, a comment, a document. */
export class FakeNode extends FakeTarget {
  /** @type {FakeNode | null} */
  parent = null;
  /** @type {FakeNode[]} */
  children = [];
  /** The document that it belongs to, in its tree or not. */
  ownerDocument = globalThis.document;

  append(node) {
    this.#take(node, this.children.length, 0);
  }

  #take(node, at, instead) {
    node.remove();
    node.parent = this;
    node.ownerDocument = this.ownerDocument;
    this.children.splice(at, instead, node);
    if (node.isConnected) node.connected?.();
  }

  remove() {
    if (this.parent) this.parent.children.splice(this.parent.children.indexOf(this), 1);
    this.parent = null;
  }

  replaceWith(node) {
    if (!this.parent) return;
    const { parent } = this;
    this.parent = null;
    parent.#take(node, parent.children.indexOf(this), 1);
  }

  above() {
    return this.parent;
  }

  /** Whether it is in the page's document, and not in another one, or nowhere. */
  get isConnected() {
    return this === globalThis.document || !!this.parent?.isConnected;
  }

  /** It and all that is in it, in order. */
  *all() {
    yield this;
    for (const child of this.children) yield* child.all();
  }

  matches() {
    return false;
  }

  querySelectorAll(selector) {
    return [...this.all()].filter((node) => node !== this && node.matches(selector));
  }

  querySelector(selector) {
    return this.querySelectorAll(selector)[0] ?? null;
  }
}

/** An element that is no script. A frame has a window as long as it is in the page. */
class FakeElement extends FakeNode {
  hidden = false;
  #window = {
    document: {
      open: () => globalThis.document.openFrames.add(this),
      close: () => globalThis.document.openFrames.delete(this),
    },
  };

  attachShadow() {
    const root = new FakeNode();
    root.parent = this;
    return root;
  }

  get contentWindow() {
    return this.isConnected ? this.#window : null;
  }
}

/** Tags of scripts, as `outerHTML` gives them. */
const TAG = /<script((?: [^=]+="[^"]*")*)><\/script>/;

/** A document: which script runs is what the test says. */
export class FakeDocument extends FakeNode {
  onreadystatechange = null;
  /** @type {FakeScript | null} the script that runs */
  running = null;
  /** What was written into it. */
  written = [];
  /** @type {FakeNode | null} where a parser, which waits for the script that runs, puts what that writes */
  waits = null;
  /** Frames whose documents are open: while there are any, `load` does not come. */
  openFrames = new Set();

  constructor() {
    super();
    this.ownerDocument = this;
    Object.assign(this, { cookie: "", documentElement: new FakeNode(), readyState: "complete" });
    this.append(this.documentElement);
  }

  above(type) {
    return type !== "load" && this === globalThis.document ? globalThis.window : null;
  }

  get currentScript() {
    return this.running;
  }

  get implementation() {
    return { createHTMLDocument: () => new FakeDocument() };
  }

  get scripts() {
    return this.querySelectorAll("script");
  }

  /** Whether the browser waits for a frame before it says `load`. */
  get loadIsHeld() {
    return [...this.openFrames].some((frame) => frame.isConnected);
  }

  createElement(name) {
    return name === "script" ? new FakeScript() : new FakeElement();
  }

  createElementNS(_, name) {
    return this.createElement(name);
  }

  createComment() {
    return new FakeNode();
  }

  /** In Node, events have no other way to be told their type. */
  createEvent() {
    const event = new Event("");
    const init = (type, bubbles, _cancelable, detail) =>
      Object.entries({ type, bubbles, detail }).forEach(
        ([name, value]) => void Object.defineProperty(event, name, { value }),
      );
    return Object.assign(event, { initEvent: init, initCustomEvent: init });
  }

  adoptNode(node) {
    node.remove();
    node.ownerDocument = this;
    return node;
  }

  write(...text) {
    this.written.push(["write", ...text.map(trusted)]);
    const [, tag] = this.waits ? TAG.exec(text.join("")) : [];
    if (tag === undefined) return;
    const attributes = [...tag.matchAll(/ ([^=]+)="([^"]*)"/g)].map(([, name, value]) => [name, unquote(value)]);
    this.waits.append(new FakeScript(Object.fromEntries(attributes)));
  }

  writeln(...text) {
    this.written.push(["writeln", ...text]);
  }

  /** Told of each script when it comes into the page for the first time: no browser starts one again. */
  inserted(_script) {}

  /** A script's code runs, as its own. */
  execute(script, code) {
    const before = this.running;
    this.running = script;
    try {
      return code();
    } finally {
      this.running = before;
    }
  }
}

// As in a browser, they are the prototype's: what a test puts over them, such as an element of their name, is the document's.
for (const name of ["baseURI", "cookie", "documentElement", "head", "readyState"]) {
  const values = new WeakMap();
  Object.defineProperty(FakeDocument.prototype, name, {
    get() {
      return values.get(this);
    },
    set(value) {
      values.set(this, value);
    },
  });
}

/**
 * A page: window, document and navigator in one window's place, with what the client looks at.
 *
 * @returns the parts, and `events`: the client's own, by name, in order
 */
export function fakePage(t, { readyState = "complete", cookie = "", saveData = false, webrtc = FakeConnection } = {}) {
  const window = Object.assign(new FakeWindow(), { RTCPeerConnection: webrtc, origin: "null" });
  const document = Object.assign(new FakeDocument(), { readyState, cookie });
  const beacons = [];
  const navigator = {
    connection: { saveData },
    cookieEnabled: true,
    sendBeacon: (url, body) => beacons.push([url, JSON.parse(body)]),
  };
  class ErrorEvent extends Event {
    constructor(type, { cancelable, filename, ...fields }) {
      super(type, { cancelable });
      Object.assign(this, fields, { native: filename });
    }
    get filename() {
      return this.native;
    }
  }
  patch(t, {
    window,
    document,
    navigator,
    location: { href: `${PAGE}/page` },
    ErrorEvent,
    PageTransitionEvent: class extends Event {},
    Document: FakeDocument,
    RTCPeerConnection: webrtc,
  });
  const events = [];
  for (const name of ["delivered", "fallback", "seeding"]) {
    window.addEventListener(`viraljs:${name}`, ({ detail }) => events.push([name, detail]));
  }
  return { beacons, document, events, navigator, window };
}

/**
 * A page that starts: the test says how far it has come.
 *
 * @param {"parsing" | "interactive" | "complete"} state how far it is already
 * @returns its parts; `reach`, which lets it go on; `thrown`, the errors that nobody caught; `lose`, which ends patience
 */
export function fakeStart(t, state = "complete") {
  const page = fakePage(t, { readyState: "interactive" });
  const timing = { domInteractive: 50, domContentLoadedEventStart: 0, loadEventStart: 0 };
  const thrown = [];
  const patience = [];
  patch(t, {
    performance: { now: () => 0, getEntriesByType: () => [timing], getEntriesByName: () => [] },
    clearTimeout() {},
    setTimeout(run, delay = 0) {
      if (delay) return void patience.push(run);
      try {
        run();
      } catch (error) {
        thrown.push(error);
      }
    },
  });
  const reach = {
    parsing() {},
    interactive() {
      timing.domContentLoadedEventStart = 100;
      page.document.dispatchEvent(new Event("DOMContentLoaded", { bubbles: true }));
    },
    complete() {
      timing.domContentLoadedEventStart = 100;
      timing.loadEventStart = 200;
      page.document.readyState = "complete";
      page.document.dispatchEvent(new Event("readystatechange"));
      page.window.dispatchEvent(new Event("load"));
      page.window.dispatchEvent(new Event("pageshow"));
    },
  };
  reach[state]();
  const lose = () => {
    for (const run of patience.splice(0)) run();
  };
  return { ...page, reach, thrown, lose };
}

/** `script`, with any `[name]` and `[name="value"]` behind it: all that the client asks for. */
const SELECTOR = /^script((?:(?::not\()?\[[\w-]+(?:="[^"]*")?\]\)?)*)$/;

class FakeAttribute {
  constructor(name, value) {
    Object.assign(this, { name, value });
  }

  cloneNode() {
    return new FakeAttribute(this.name, this.value);
  }
}

const quote = (text) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
const unquote = (text) => text.replaceAll("&quot;", '"').replaceAll("&amp;", "&");

/** A script element: it notes where it was loaded from, and runs what the test says. */
export class FakeScript extends FakeNode {
  /** @type {{name: string, value: string}[]} */
  attributes = [];
  nonce = "";
  integrity = "";
  defer = false;
  noModule = false;
  started = false;
  /** One that a script has made; of one that the page wrote, its attribute tells. */
  async = true;
  #text = "";

  /** @param {Record<string, string>} [attributes] as the page wrote them */
  constructor(attributes) {
    super();
    if (!attributes) return;
    this.async = false;
    for (const [name, value] of Object.entries(attributes)) this.setAttributeNode(new FakeAttribute(name, value));
  }

  setAttribute(name, value) {
    this.setAttributeNode(new FakeAttribute(name, name === "src" ? trusted(value) : value));
  }

  setAttributeNode(attribute) {
    const { name, value } = attribute;
    const at = this.attributes.findIndex((one) => one.name === name);
    this.attributes.splice(at < 0 ? this.attributes.length : at, 1, attribute);
    if (["integrity", "nonce"].includes(name)) this[name] = value;
    if (["async", "defer"].includes(name)) this[name] = true;
    if (name === "nomodule") this.noModule = true;
  }

  getAttribute(name) {
    return this.attributes.find((one) => one.name === name)?.value ?? null;
  }

  get outerHTML() {
    return `<script${this.attributes.map(({ name, value }) => ` ${name}="${quote(value)}"`).join("")}></script>`;
  }

  get type() {
    return this.getAttribute("type") ?? "";
  }

  set type(value) {
    this.setAttribute("type", value);
  }

  /** Where it is loaded from: what was written, in full where the test says where the page is. */
  get src() {
    const src = this.getAttribute("src") ?? "";
    const { baseURI } = globalThis.document ?? {};
    return src && baseURI ? new URL(src, baseURI).href : src;
  }

  set src(url) {
    this.setAttribute("src", url);
  }

  get text() {
    return this.#text;
  }

  set text(text) {
    this.#text = trusted(text);
  }

  matches(selector) {
    const [, conditions] = selector.match(SELECTOR);
    return [...conditions.matchAll(/(:not\()?\[([\w-]+)(?:="([^"]*)")?\]/g)].every(([, not, name, value]) => {
      const has = this.attributes.some((one) => one.name === name && (value === undefined || one.value === value));
      return has !== !!not;
    });
  }

  connected() {
    if (!this.started) globalThis.document.inserted(this);
    this.started = true;
  }

  /** The browser has run it, or could not load it. */
  end(type) {
    this.dispatchEvent(new Event(type));
  }

  handle(event) {
    this[`on${event.type}`]?.(event);
  }
}

/** What a policy of Trusted Types has made of a string. */
export class FakeTrusted {
  constructor(text) {
    this.text = text;
  }

  toString() {
    return this.text;
  }
}

/** Where the page's policy asks for trusted values (`trustedOnly`), strings are refused. */
function trusted(value) {
  if (globalThis.document?.trustedOnly && !(value instanceof FakeTrusted)) throw new TypeError("needs a trusted value");
  return `${value}`;
}

/** Trusted Types of a page that lets policies be made; `names` are those of the policies that were. */
export function fakeTrustedTypes({ document, window }) {
  const names = [];
  document.trustedOnly = true;
  window.trustedTypes = {
    createPolicy(name, rules) {
      names.push(name);
      return Object.fromEntries(
        Object.entries(rules).map(([kind, rule]) => [kind, (text) => new FakeTrusted(rule(text))]),
      );
    },
  };
  return names;
}
