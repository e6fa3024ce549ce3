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

/**
 * @typedef {object} Sources
 * @property {string[]} seeders to begin with
 * @property {(seeder: string, first: import("./types.js").Range[], events: import("./peer.js").PeerEvents) =>
 *   import("./peer.js").Link} connect
 * @property {(run: import("./types.js").Range, signal: AbortSignal,
 *   take: (piece: number, bytes: Uint8Array<ArrayBuffer>) => Promise<boolean>) => Promise<void>} fetchRun stops where
 *   `take` says false
 *
 * @typedef {object} Plan
 * @property {number} deadline milliseconds without a verified piece, after which the server is asked
 * @property {number} first the piece to begin with; the others follow in a circle
 * @property {boolean} stream ask the server at once; for all of it, if there is no seeder
 * @property {boolean} crowd others are receiving too: what each asks the server for is for all of them
 */

/**
 * @param {import("./pieces.js").Pieces} pieces
 * @param {Sources} sources
 * @param {Plan} plan
 * @param {import("./types.js").Delivery} record is told who brought what
 * @param {(reason: string) => void} onFallback called whenever the server is asked because peers are lost, late or slow
 */
export function download(pieces, sources, { deadline, first, stream, crowd }, record, onFallback) {
  /** @typedef {{link: import("./peer.js").Link, held: Set<number>, told: boolean, came: boolean, upload: import("./types.js").Upload}} Worker */
  /** @type {Set<Worker>} those that have not ended */
  const workers = new Set();
  /** @typedef {{worker: Worker | null, at: number, twice: boolean}} Asked whom, null being the server; when; of another before */
  /** @type {Map<number, Asked>} by piece */
  const asked = new Map();
  const { seeders } = sources;
  const alone = stream && !seeders.length;
  const ahead = Math.max(2, WINDOW_BYTES / pieces.lengthOf(0));
  const order = [...Array(pieces.count).keys()].map((piece) => (piece + first) % pieces.count);
  const began = performance.now();
  const abort = new AbortController();
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  /** @type {ReturnType<typeof setTimeout>} */
  let nudge;
  let over = false;
  let asking = false;
  let failed = false;
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

  /** @param {() => void} tell resolves or rejects */
  function stop(tell) {
    over = true;
    clearTimeout(timer);
    clearTimeout(nudge);
    abort.abort();
    const inVain = performance.now() - began > deadline;
    for (const { link, held, told, came, upload } of workers) {
      // Who was waited for until others had brought everything is a lesson for the server.
      if (inVain && !link.isOpen()) upload.failure = link.verdict?.() ?? null;
      // One that still lacks pieces may take them from us; who asked us will.
      const lacks = held.size < pieces.count;
      if (!(lacks && (came || (crowd && told)))) link.end("done");
    }
    tell();
  }

  /**
   * @param {number} piece
   * @param {Uint8Array<ArrayBuffer>} bytes
   * @param {() => void} count is called if they are new and right, before this download may be over
   * @returns {Promise<boolean>} whether they are right
   */
  async function keep(piece, bytes, count) {
    const kept = await pieces.verify(piece, bytes);
    if (kept) {
      count();
      if (asked.get(piece)?.twice) for (const { link } of workers) link.cancel([[piece, 1]]);
    }
    if (!over && !pieces.missing()) stop(resolve);
    return kept !== false;
  }

  /**
   * @param {(piece: number) => boolean} suits
   * @returns {number[]} missing pieces
   */
  const missing = (suits) => order.filter((piece) => !pieces.has(piece) && suits(piece));

  /** @param {Worker} worker */
  const hasMore = ({ held }) => missing((piece) => held.has(piece)).length > 0;

  /**
   * Each piece puts the deadline off. Those that wait for pieces themselves are not late; they get the time that pieces
   * have taken so far.
   */
  function rearm() {
    clearTimeout(timer);
    clearTimeout(nudge);
    if (over) return;
    const now = performance.now();
    const open = [...workers].filter(({ link }) => link.isOpen());
    const starved = open.length > 0 && !open.some(hasMore);
    const gap = (last - began) / (pieces.count - pieces.missing() || 1);
    // Those of a crowd have yet to connect to the server, to be found.
    const patience = starved ? PATIENCE * Math.max(deadline, gap) : crowd ? 2 * deadline : deadline;
    const late = last + patience;
    if (record.bytesFromPeers && trial < late) timer = setTimeout(tryServer, trial - now);
    else timer = setTimeout(askServer, late - now, record.bytesFromPeers ? "stalled" : "deadline");
    nudge = setTimeout(() => workers.forEach(feed), OVERDUE_MS);
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
   * Keep a seeder busy: with pieces that nobody was asked for, else with one that another has owed for long, and may still
   * bring first.
   *
   * @param {Worker} worker
   */
  function feed(worker) {
    const { link, held } = worker;
    if (over || !link.isOpen()) return;
    const room = ahead - missing((piece) => asked.get(piece)?.worker === worker).length;
    let wanted = missing((piece) => held.has(piece) && !asked.has(piece)).slice(0, room);
    if (!wanted.length && room === ahead) {
      const overdue = performance.now() - OVERDUE_MS;
      const isOverdue = (/** @type {Asked | undefined} */ one) => one && one.at <= overdue && !one.twice;
      wanted = missing((piece) => held.has(piece) && !!isOverdue(asked.get(piece))).slice(-1);
    }
    for (const piece of wanted) ask(piece, worker);
    if (wanted.length) link.request(toRanges(wanted));
  }

  /** @param {number} piece @param {Worker | null} worker */
  const ask = (piece, worker) => asked.set(piece, { worker, at: performance.now(), twice: asked.has(piece) });

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

  /** @param {(piece: number, worker: Worker | null) => boolean} suits is true of what others may be asked for */
  function free(suits) {
    for (const [piece, { worker }] of asked) if (suits(piece, worker)) asked.delete(piece);
  }

  /**
   * @param {Worker} worker
   * @param {string} reason
   */
  function lose(worker, reason) {
    if (over) return;
    workers.delete(worker);
    worker.upload.failure = reason;
    free((_, one) => one === worker);
    if (!workers.size) askServer(reason);
    workers.forEach(feed);
    rearm();
  }

  /**
   * @param {string} reason
   * @param {number} [pace] bytes per millisecond of peers: ask for one piece, and go on only if that comes faster
   */
  async function askServer(reason, pace) {
    if (over || asking) return;
    asking = true;
    if (reason) onFallback(reason);
    // A crowd that was late may have got going since. What a trial has shown to be slow is not waited for.
    const waits = crowd && !stream && !pace;
    try {
      while (!over) {
        free((_, one) => !one);
        // What no seeder was asked for comes first; in the end also what they still owe.
        const unasked = missing((piece) => !asked.has(piece));
        const wanted = unasked.length ? unasked : missing(() => true);
        // Alone it takes them in their order, in as few requests as can be.
        const [[from, length]] = toRanges(crowd || stream ? wanted : wanted.sort((one, other) => one - other));
        // In a crowd others ask too, for other pieces, and pass them on.
        const part = Math.ceil(Math.min(ahead / 2, pieces.count / PARTS));
        const most = pace ? 1 : crowd && workers.size && !alone ? part : length;
        const count = Math.min(length, most);
        for (let piece = from; piece < from + count; piece++) ask(piece, null);
        const asks = performance.now();
        const before = record.bytesFromPeers;
        await sources.fetchRun([from, count], abort.signal, async (piece, bytes) => {
          const right = await keep(piece, bytes, () => {
            record.bytesFromServer += bytes.length;
            last = performance.now();
          });
          if (!right) throw new Error("version");
          rearm();
          // A server may ignore the range, and begin at the beginning.
          return piece < from || (!pieces.has(piece + 1) && asked.get(piece + 1)?.worker === null);
        });
        if (pace) {
          if (workers.size && pieces.lengthOf(from) / (performance.now() - asks) <= pace) break;
          pace = 0;
        } else if (waits && workers.size && record.bytesFromPeers > before) break;
      }
      asking = false;
      rearm();
    } catch (error) {
      if (over) return;
      asking = false;
      free((_, one) => !one);
      if (pace && workers.size) return;
      if (!workers.size || failed) return stop(() => reject(error));
      // Seeders may do without the server. It gets one more chance.
      failed = true;
      clearTimeout(timer);
      timer = setTimeout(askServer, deadline, reason);
    }
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
    /** @type {Worker} */
    const worker = {
      upload: { seeder, bytes: 0, milliseconds: 0, failure: null, roundTrip: null },
      held: new Set(),
      told: false,
      came: !begun,
      link: connect({
        have(words) {
          for (const piece of spanned(words, pieces.count)) worker.held.add(piece);
          // It was asked for these before it could say that it lacks them.
          if (!worker.told) free((piece, one) => one === worker && !worker.held.has(piece));
          worker.told = true;
          workers.forEach(feed);
          rearm();
        },
        data([piece, offset, total], bytes) {
          if (pieces.has(piece)) return;
          const whole = assemble(piece, offset, bytes, total);
          if (whole === undefined) worker.link.end("protocol");
          else if (whole) check(worker, piece, whole, total > 0).catch(() => worker.link.end("hash"));
        },
        trip(milliseconds) {
          worker.upload.roundTrip = milliseconds;
        },
        end: (reason) => lose(worker, reason),
      }),
    };
    if (over) return worker.link;
    for (const piece of begun ?? []) ask(piece, worker);
    workers.add(worker);
    record.uploads.push(worker.upload);
    return worker.link;
  }

  const share = Math.min(ahead, Math.ceil(pieces.count / seeders.length));
  seeders.forEach((seeder, at) => {
    const begun = stream ? [] : order.slice(at * share, (at + 1) * share);
    add(seeder, (events) => sources.connect(seeder, toRanges(begun), events), begun);
  });
  if (stream) askServer("");
  rearm();
  return { done, add };
}
