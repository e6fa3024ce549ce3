/**
 * Brings all pieces of one bundle together, from seeders and, where these are late or lost, from the server.
 * Knows neither WebRTC nor HTTP: its sources are handed to it.
 */

import { createAssembler } from "./pieces.js";

/** Bytes asked of one seeder ahead of time: enough for 80 Mbit/s at a round trip of 100 ms. */
export const WINDOW_BYTES = 1048576;

/** Bytes that peers must bring in the time of a deadline, lest the server be asked to help: 8 Mbit/s for 1 s. */
export const DEADLINE_BYTES = 1048576;

/**
 * @typedef {object} Source A seeder, as the download sees it: see `peer.js`.
 * @property {string} seeder
 * @property {() => boolean} isOpen
 * @property {(ranges: import("./types.js").Range[]) => void} request
 * @property {(ranges: import("./types.js").Range[]) => void} cancel
 * @property {(reason: string) => void} end
 *
 * @typedef {object} Sources
 * @property {(seeder: string, first: import("./types.js").Range[], events: import("./peer.js").PeerEvents) => Source} connect
 * @property {(run: import("./types.js").Range, signal: AbortSignal,
 *   take: (piece: number, bytes: Uint8Array<ArrayBuffer>) => Promise<void>) => Promise<void>} fetchRun
 */

/**
 * @param {import("./pieces.js").Pieces} pieces
 * @param {string[]} seeders
 * @param {number} deadline milliseconds without a verified piece, after which the server is asked
 * @param {Sources} sources
 * @param {import("./types.js").Delivery} record is told who brought what
 * @param {(reason: string) => void} onFallback called once, when the server is asked
 * @returns {Promise<void>} resolves when no piece is missing; rejects where even the server does not have them
 */
export function download(pieces, seeders, deadline, sources, record, onFallback) {
  return new Promise((resolve, reject) => {
    /** @typedef {{source: Source, upload: import("./types.js").Upload}} Worker */
    /** @type {Set<Worker>} those that have not ended */
    const workers = new Set();
    /** @type {Map<number, Worker | null>} by piece: whom it is asked of; null is the server */
    const asked = new Map();
    const ahead = Math.max(2, WINDOW_BYTES / pieces.lengthOf(0));
    const began = performance.now();
    const abort = new AbortController();
    /** @type {ReturnType<typeof setTimeout>} */
    let timer;
    let over = false;
    let asking = false;
    let failed = false;

    /** @param {() => void} tell resolves or rejects */
    function stop(tell) {
      over = true;
      clearTimeout(timer);
      abort.abort();
      for (const { source } of workers) source.end("done");
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
      if (kept) count();
      if (!over && !pieces.missing()) stop(resolve);
      return kept !== false;
    }

    /** Each piece puts the deadline off, but not for long: many slow pieces are as late as one that does not come. */
    function rearm() {
      clearTimeout(timer);
      const due = began + deadline * (1 + record.bytesFromPeers / DEADLINE_BYTES) - performance.now();
      const reason = record.bytesFromPeers ? "stalled" : "deadline";
      if (!over) timer = setTimeout(askServer, Math.min(deadline, due), reason);
    }

    /**
     * @param {(piece: number) => boolean} suits
     * @returns {number[]} missing pieces
     */
    const missing = (suits) => [...Array(pieces.count).keys()].filter((piece) => !pieces.has(piece) && suits(piece));

    /**
     * Keep a seeder busy: with pieces that nobody was asked for, else with the last one of another.
     *
     * @param {Worker} worker
     */
    function feed(worker) {
      if (over || !worker.source.isOpen()) return;
      const room = ahead - missing((piece) => asked.get(piece) === worker).length;
      let wanted = missing((piece) => !asked.has(piece)).slice(0, room);
      if (!wanted.length && room === ahead) wanted = missing(() => true).slice(-1);
      for (const piece of wanted) {
        asked.get(piece)?.source.cancel([[piece, 1]]);
        asked.set(piece, worker);
      }
      if (wanted.length) worker.source.request(toRanges(wanted));
    }

    /**
     * @param {Worker} worker
     * @param {number} piece
     * @param {Uint8Array<ArrayBuffer>} bytes
     */
    async function check(worker, piece, bytes) {
      const { upload } = worker;
      const right = await keep(piece, bytes, () => {
        record.bytesFromPeers += bytes.length;
        upload.bytes += bytes.length;
        upload.milliseconds = Math.round(performance.now() - began);
      });
      if (!right) return worker.source.end("corrupt");
      rearm();
      feed(worker);
    }

    /** @param {Worker | null} worker whose pieces others may be asked for */
    function free(worker) {
      for (const [piece, one] of asked) if (one === worker) asked.delete(piece);
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
    }

    /** @param {string} reason */
    async function askServer(reason) {
      if (over || asking) return;
      asking = true;
      onFallback(reason);
      try {
        while (!over) {
          // What no seeder was asked for comes first; in the end also what they still owe.
          const unasked = missing((piece) => !asked.has(piece));
          const [run] = toRanges(unasked.length ? unasked : missing(() => true));
          for (let piece = run[0]; piece < run[0] + run[1]; piece++) asked.set(piece, null);
          await sources.fetchRun(run, abort.signal, async (piece, bytes) => {
            const right = await keep(piece, bytes, () => {
              record.bytesFromServer += bytes.length;
            });
            if (!right) throw new Error("version");
          });
        }
      } catch (error) {
        if (over) return;
        if (!workers.size || failed) return stop(() => reject(error));
        // Seeders may do without the server. It gets one more chance.
        failed = true;
        asking = false;
        free(null);
        clearTimeout(timer);
        timer = setTimeout(askServer, deadline, reason);
      }
    }

    const share = Math.min(ahead, Math.ceil(pieces.count / seeders.length));
    seeders.forEach((seeder, at) => {
      const first = missing((piece) => Math.floor(piece / share) === at);
      const assemble = createAssembler(pieces);
      /** @type {Worker} */
      const worker = {
        upload: { seeder, bytes: 0, milliseconds: 0, failure: null },
        source: sources.connect(seeder, toRanges(first), {
          open: () => feed(worker),
          data(piece, offset, bytes) {
            const whole = assemble(piece, offset, bytes);
            if (whole === undefined) worker.source.end("protocol");
            else if (whole && !pieces.has(piece)) check(worker, piece, whole).catch(() => worker.source.end("hash"));
          },
          end: (reason) => lose(worker, reason),
        }),
      };
      for (const piece of first) asked.set(piece, worker);
      workers.add(worker);
      record.uploads.push(worker.upload);
    });
    rearm();
  });
}

/**
 * @param {number[]} numbers ascending
 * @returns {import("./types.js").Range[]}
 */
export function toRanges(numbers) {
  /** @type {import("./types.js").Range[]} */
  const ranges = [];
  for (const number of numbers) {
    const last = ranges[ranges.length - 1];
    if (last && last[0] + last[1] === number) last[1]++;
    else ranges.push([number, 1]);
  }
  return ranges;
}
