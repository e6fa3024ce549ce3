/**
 * Brings all pieces of one bundle together, from other browsers and, where these are late or lost, from the server.
 * Knows neither WebRTC nor HTTP: its sources are handed to it.
 */

import { inflate } from "./inflate.js";
import { createAssembler } from "./pieces.js";
import { spanned, toRanges } from "./wire.js";

/** Bytes asked of one seeder ahead of time: enough for 160 Mbit/s at a round trip of 100 ms, or for a busy machine. */
export const WINDOW_BYTES = 2097152;

/** A piece that somebody owes for longer is asked of another who has nothing else to do. */
export const OVERDUE_MS = 300;

/** Deadlines, or times between two pieces, to wait for peers that wait for pieces themselves. */
export const PATIENCE = 3;

/** In a crowd the server is asked for no more than one part of so many at a time: others pass on what they have got by then. */
export const PARTS = 8;

/** In a crowd some try the server at the deadline, and others up to so many deadlines later, and find it faster or not. */
export const SPREAD = 3;

/** However slowly pieces have come, this counts as the time that one takes. */
export const LONGEST_GAP_MS = 10000;

/** A server that has begun to answer, and of which nothing is heard for so long, is given up. */
export const SILENCE_MS = 30000;

/**
 * @typedef {object} Sources
 * @property {string[]} seeders to begin with
 * @property {(seeder: string, first: import("./types.js").Range[], events: import("./peer.js").PeerEvents) =>
 *   import("./peer.js").Link} connect
 * @property {(run: import("./types.js").Range, signal: AbortSignal,
 *   take: (piece: number, bytes: Uint8Array<ArrayBuffer>) => Promise<boolean>, hear: () => void) => Promise<void>} fetchRun
 *   stops where `take` says false; calls `hear` for each sign of life
 *
 * @typedef {object} Plan
 * @property {number} deadline milliseconds without a verified piece, after which the server is asked
 * @property {number} patience milliseconds for the server to begin to answer; then it is given up
 * @property {number} first the piece to begin with; the others follow in a circle
 * @property {boolean} stream ask the server at once; for all of it, if there is no seeder
 * @property {boolean} crowd others are receiving too: what each asks the server for is for all of them
 */

/**
 * Begin. The promise `done` settles whatever the sources do: there is always a timer that asks the server, or a fetch
 * under way that is given up when nothing is heard of it; a server that fails for the second time, or when nobody else is
 * left, rejects it.
 *
 * @param {import("./pieces.js").Pieces} pieces
 * @param {Sources} sources
 * @param {Plan} plan
 * @param {import("./types.js").Delivery} record is told who brought what
 * @param {(reason: string) => void} onFallback called whenever the server is asked because peers are lost, late or slow
 */
export function download(pieces, sources, { deadline, patience, first, stream, crowd }, record, onFallback) {
  /** @typedef {{link: import("./peer.js").Link, held: Set<number>, told: boolean, came: boolean, upload: import("./types.js").Upload}} Worker */
  /** @type {Set<Worker>} those that have not ended */
  const workers = new Set();
  /** @typedef {Worker | null} Source null is the server */
  /** @typedef {{of: Set<Source>, by: Source, at: number}} Asked those who owe it; who was asked last, and when */
  /** @type {Map<number, Asked>} by piece */
  const asked = new Map();
  const { seeders } = sources;
  const alone = stream && !seeders.length;
  const ahead = Math.max(2, WINDOW_BYTES / pieces.lengthOf(0));
  const order = [...Array(pieces.count).keys()].map((piece) => (piece + first) % pieces.count);
  const began = performance.now();
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  /** @type {ReturnType<typeof setTimeout>} */
  let nudge;
  let over = false;
  /** A fetch of the server is under way; if it is a trial, the pace of peers that it is to beat, in bytes per millisecond. */
  let asking = false;
  let trying = 0;
  /** @type {AbortController | undefined} of the fetch that is under way */
  let abort;
  /** @type {ReturnType<typeof setTimeout>} */
  let silence;
  /** When to ask the server again that has failed, if it has. */
  let retry = 0;
  /** No peer is to be waited for, or spared. */
  let hopeless = false;
  /** When the first piece of a peer came, and the last one of anybody. */
  let opened = 0;
  let last = began;
  /** When to try whether the server would be faster. */
  let trial = began + deadline * (crowd ? 1 + SPREAD * Math.random() : 1);

  /** @type {() => void} */
  let resolve;
  /** @type {(error: unknown) => void} */
  let reject;
  const done = /** @type {Promise<void>} */ (
    new Promise((...both) => {
      [resolve, reject] = both;
    })
  );

  /** @param {() => void} settle resolves or rejects */
  function stop(settle) {
    if (over) return;
    over = true;
    clearTimeout(timer);
    clearTimeout(nudge);
    // Before anything below can throw; who waits hears of it when all is said.
    settle();
    clearTimeout(silence);
    abort?.abort();
    const inVain = performance.now() - began > deadline;
    for (const { link, held, told, came, upload } of workers) {
      // Who was waited for until others had brought everything is a lesson for the server.
      if (inVain && !link.isOpen()) upload.failure = link.verdict?.() ?? null;
      // One that still lacks pieces may take them from us; who asked us will.
      const lacks = !pieces.missing() && held.size < pieces.count;
      if (!(lacks && (came || (crowd && told)))) link.end("done");
    }
  }

  /**
   * @param {number} piece
   * @param {Uint8Array<ArrayBuffer>} bytes
   * @param {() => void} count is called if they are new and right, before this download may be over
   * @returns {Promise<boolean>} whether they are right
   */
  async function keep(piece, bytes, count) {
    const kept = await pieces.verify(piece, bytes);
    // Others of the last pieces are counted behind the one that was the last.
    if (kept && !(over && pieces.missing())) {
      count();
      const owing = asked.get(piece)?.of.size ?? 0;
      if (owing > 1) for (const worker of workers) tell(worker, "cancel", [[piece, 1]]);
    }
    if (!pieces.missing()) stop(resolve);
    return kept !== false;
  }

  /**
   * Say something to a peer: one that can't be spoken to is lost.
   *
   * @param {Worker} worker
   * @param {"request" | "cancel"} word
   * @param {import("./types.js").Range[]} ranges
   */
  function tell({ link }, word, ranges) {
    try {
      link[word](ranges);
    } catch (error) {
      console.debug(error);
      link.end("lost");
    }
  }

  /**
   * @param {(piece: number) => boolean} suits
   * @returns {number[]} missing pieces
   */
  const missing = (suits) => order.filter((piece) => !pieces.has(piece) && suits(piece));

  /** @param {Worker} worker */
  const hasMore = ({ held }) => missing((piece) => held.has(piece)).length > 0;

  /**
   * Wait for what is to be waited for. Each piece puts the deadline off. Those that wait for pieces themselves are not
   * late; they get the time that pieces have taken so far.
   */
  function rearm() {
    clearTimeout(timer);
    clearTimeout(nudge);
    if (!pieces.missing()) stop(resolve);
    if (over) return;
    nudge = setTimeout(poke, OVERDUE_MS);
    // What is no trial ends by itself, and then comes here.
    if (asking && !trying) return;
    const now = performance.now();
    const open = [...workers].filter(({ link }) => link.isOpen());
    const starved = open.length && !open.some(hasMore);
    const gap = (last - began) / (pieces.count - pieces.missing() || 1);
    // Those of a crowd have yet to connect to the server, to be found.
    let wait = crowd ? 2 * deadline : deadline;
    if (starved) wait = PATIENCE * Math.max(deadline, Math.min(gap, LONGEST_GAP_MS));
    const late = Math.max(last + wait, retry);
    if (record.bytesFromPeers && trial < late && !asking) timer = setTimeout(tryServer, trial - now);
    else timer = setTimeout(askServer, late - now, record.bytesFromPeers ? "stalled" : "deadline");
  }

  /** Look again for what is overdue by now. */
  function poke() {
    nudge = setTimeout(poke, OVERDUE_MS);
    workers.forEach(feed);
  }

  /** Peers are not late, but the server may be faster: where much is missing yet, it gets a piece to show it. */
  function tryServer() {
    const now = performance.now();
    trial = now + (now - began);
    // What it took to make them acquainted says nothing of their pace.
    const pace = (record.bytesFromPeers - pieces.lengthOf(0)) / (now - opened) || record.bytesFromPeers / (now - began);
    if ((missing(() => true).length * pieces.lengthOf(0)) / pace > deadline) askServer("slow", pace);
    rearm();
  }

  /**
   * Keep a seeder busy: with pieces that nobody was asked for, else with one that others have owed for long, and may still
   * bring first.
   *
   * @param {Worker} worker
   */
  function feed(worker) {
    const { link, held } = worker;
    if (over || !link.isOpen()) return;
    const room = ahead - missing((piece) => !!asked.get(piece)?.of.has(worker)).length;
    let wanted = missing((piece) => held.has(piece) && !asked.has(piece)).slice(0, Math.max(0, room));
    // Then there is nothing that it has and nobody was asked for.
    if (!wanted.length && room === ahead) wanted = missing((piece) => held.has(piece) && isOverdue(piece)).slice(-1);
    for (const piece of wanted) ask(piece, worker);
    if (wanted.length) tell(worker, "request", toRanges(wanted));
  }

  /** @param {number} piece that others owe: the more of them, the longer they get */
  function isOverdue(piece) {
    const { of, at } = /** @type {Asked} */ (asked.get(piece));
    return at + OVERDUE_MS * of.size <= performance.now();
  }

  /** @param {number} piece @param {Source} source */
  function ask(piece, source) {
    const of = asked.get(piece)?.of ?? new Set();
    asked.set(piece, { of: of.add(source), by: source, at: performance.now() });
  }

  /**
   * @param {Source} source owes nothing any more
   * @param {(piece: number) => boolean} [suits] nothing of this
   */
  function free(source, suits = () => true) {
    for (const [piece, one] of asked) {
      if (!suits(piece) || !one.of.delete(source)) continue;
      if (!one.of.size) asked.delete(piece);
      else if (one.by === source) [one.by] = one.of;
    }
  }

  /**
   * @param {Worker} worker
   * @param {number} piece
   * @param {Uint8Array<ArrayBuffer>} bytes
   * @param {boolean} packed
   */
  async function check(worker, piece, bytes, packed) {
    const { upload, link } = worker;
    const length = pieces.lengthOf(piece);
    const whole = packed ? await inflate(bytes, length).catch(console.debug) : bytes;
    const right =
      whole &&
      (await keep(piece, whole, () => {
        last = performance.now();
        opened ||= last;
        record.bytesFromPeers += length;
        upload.bytes += length;
        upload.milliseconds = Math.round(performance.now() - began);
      }));
    if (!right) return link.end("corrupt");
    feed(worker);
    rearm();
  }

  /**
   * @param {Worker} worker
   * @param {string} reason
   */
  function lose(worker, reason) {
    if (over) return;
    workers.delete(worker);
    worker.upload.failure = reason;
    free(worker);
    if (!workers.size) askServer(reason);
    workers.forEach(feed);
    rearm();
  }

  /**
   * @param {string} reason
   * @param {number} [pace] bytes per millisecond of peers: ask for one piece, and go on only if that comes faster
   */
  async function askServer(reason, pace = 0) {
    if (over) return;
    if (asking) {
      // What was a trial is needed now.
      if (!pace) trying = 0;
      return;
    }
    asking = true;
    trying = pace;
    // A crowd that was late may have got going since. What a trial has shown to be slow is not waited for.
    const waits = crowd && !stream && !pace;
    try {
      if (reason) onFallback(reason);
      while (await fetchMore(waits));
    } catch (error) {
      // Seeders may do without the server. It gets one more chance; a trial is none.
      if (!workers.size || (retry && !trying)) stop(() => reject(error));
      if (!trying) retry = performance.now() + deadline;
    }
    asking = false;
    clearTimeout(silence);
    free(null);
    workers.forEach(feed);
    rearm();
  }

  /**
   * Get a run of pieces from the server.
   *
   * @param {boolean} waits it may be left alone when peers have brought something meanwhile
   * @returns {Promise<boolean>} whether to go on
   */
  async function fetchMore(waits) {
    if (over) return false;
    free(null);
    // What no seeder was asked for comes first; in the end also what they still owe.
    const unasked = missing((piece) => !asked.has(piece) && !hopeless);
    const wanted = unasked.length ? unasked : missing(() => true);
    // Alone it takes them in their order, in as few requests as can be.
    const [[from, length]] = toRanges(crowd || stream ? wanted : wanted.sort((one, other) => one - other));
    // In a crowd others ask too, for other pieces, and pass them on.
    const part = Math.ceil(Math.min(ahead / 2, pieces.count / PARTS));
    const most = trying ? 1 : crowd && workers.size && !alone && !hopeless ? part : length;
    const count = Math.min(length, most);
    for (let piece = from; piece < from + count; piece++) ask(piece, null);
    const asks = performance.now();
    const before = record.bytesFromPeers;
    const lacked = pieces.missing();
    abort = new AbortController();
    const { signal } = abort;
    const silent = new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
    expect(patience);
    await Promise.race([silent, sources.fetchRun([from, count], signal, take, hear)]);
    clearTimeout(silence);
    if (over) return false;
    if (pieces.missing() === lacked) throw new Error("short");
    if (trying && workers.size && pieces.lengthOf(from) / (performance.now() - asks) <= trying) return false;
    trying = 0;
    return hopeless || !waits || !workers.size || record.bytesFromPeers === before;

    /** @param {number} piece @param {Uint8Array<ArrayBuffer>} bytes */
    async function take(piece, bytes) {
      if (over) return false;
      const right = await keep(piece, bytes, () => {
        record.bytesFromServer += bytes.length;
        last = performance.now();
      });
      if (!right) throw new Error("version");
      rearm();
      // A server may ignore the range, and begin at the beginning.
      return piece < from || (!pieces.has(piece + 1) && asked.get(piece + 1)?.by === null);
    }
  }

  /** The server has given a sign of life. */
  const hear = () => expect(SILENCE_MS);

  /** @param {number} milliseconds until the server is to give the next one */
  function expect(milliseconds) {
    clearTimeout(silence);
    if (asking && !over) silence = setTimeout(() => abort?.abort(new Error("silent")), milliseconds);
  }

  /**
   * Take pieces of one more browser.
   *
   * @param {string} seeder
   * @param {(events: import("./peer.js").PeerEvents) => import("./peer.js").Link} connect
   * @param {number[]} [begun] what it was asked for beforehand, where it did not come by itself
   */
  function add(seeder, connect, begun) {
    const assemble = createAssembler(pieces);
    const link = connect({
      have(words) {
        for (const piece of spanned(words, pieces.count)) worker.held.add(piece);
        // It was asked for these before it could say that it lacks them.
        if (!worker.told) free(worker, (piece) => !worker.held.has(piece));
        worker.told = true;
        workers.forEach(feed);
        rearm();
      },
      data([piece, offset, total], bytes) {
        if (pieces.has(piece)) return;
        const whole = assemble(piece, offset, bytes, total);
        if (whole === undefined) link.end("protocol");
        else if (whole) check(worker, piece, whole, total > 0).catch(() => link.end("hash"));
      },
      trip(milliseconds) {
        worker.upload.roundTrip = milliseconds;
      },
      end: (reason) => lose(worker, reason),
    });
    /** @type {Worker} */
    const worker = {
      upload: { seeder, bytes: 0, milliseconds: 0, failure: null, roundTrip: null },
      held: new Set(),
      told: false,
      came: !begun,
      link,
    };
    if (over) return;
    for (const piece of begun ?? []) ask(piece, worker);
    workers.add(worker);
    record.uploads.push(worker.upload);
  }

  const share = Math.min(ahead, Math.ceil(pieces.count / seeders.length));
  seeders.forEach((seeder, at) => {
    const begun = stream ? [] : order.slice(at * share, (at + 1) * share);
    try {
      add(seeder, (events) => sources.connect(seeder, toRanges(begun), events), begun);
    } catch (error) {
      // A browser makes so many connections only.
      console.debug(error);
    }
  });
  if (stream) askServer("");
  else if (!workers.size) askServer("client");
  rearm();
  return {
    done,
    add,
    /**
     * Ask the server for all that is missing, at once: who is not there yet will not come, and nobody is waited for.
     *
     * @param {string} reason
     */
    giveUp(reason) {
      hopeless = true;
      for (const { link } of workers) if (!link.isOpen()) link.end(reason);
      askServer(reason);
    },
  };
}
