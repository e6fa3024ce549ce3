import assert from "node:assert/strict";
import test from "node:test";
import { gzipSync } from "node:zlib";
import {
  download,
  OVERDUE_MS,
  PARTS,
  PATIENCE,
  SILENCE_MS,
  SPREAD,
  WINDOW_BYTES,
} from "../../viraljs/client/download.js";
import { createPieces } from "../../viraljs/client/pieces.js";
import { createRandom, emptyRecord, fakeClock, flush, until } from "./support.js";

/** Milliseconds for the server to begin to answer. */
const ANSWER = 5000;
const DEADLINE = 1500;
/** Pieces asked of one seeder ahead of time. */
const WINDOW = 4;
const PIECE = WINDOW_BYTES / WINDOW;
/** A little time: what was asked before it was asked earlier. */
const MOMENT = 10;
/** A seeder, as the download sees it: does what the test tells it. */
class FakePeer {
  opened = false;
  /** @type {string | null} */
  ended = null;
  ends = 0;
  requests = [];
  cancelled = [];

  constructor(bundle, seeder, first, events) {
    Object.assign(this, { bundle, seeder, first, events });
    this.isOpen = () => this.opened && !this.ended;
  }

  verdict() {
    return "unreachable";
  }

  /** The channel opens, and it says what it has: all, or these pieces. */
  open(held = [...Array(this.bundle.count).keys()]) {
    this.opened = true;
    this.have(...held);
  }

  have(...pieces) {
    this.events.have(pieces.flatMap((piece) => [piece, 1]));
  }

  request(ranges) {
    this.requests.push(...ranges);
  }

  cancel(ranges) {
    this.cancelled.push(...ranges);
  }

  end(reason) {
    this.ends++;
    if (this.ended) return;
    this.ended = reason;
    this.events.end(reason);
  }

  /** Pieces that it has been asked for, in order, those in the offer first. */
  get asked() {
    return [...this.first, ...this.requests].flatMap(([first, count]) =>
      Array.from({ length: count }, (_, at) => first + at),
    );
  }

  /** Send a piece in two parts, and let it be checked. */
  async send(piece, bytes = this.bundle.pieceOf(piece)) {
    const half = bytes.length >> 1;
    this.events.data([piece, 0], bytes.subarray(0, half));
    this.events.data([piece, half], bytes.subarray(half));
    await flush();
  }

  /** Send a piece as gzip, in two parts, or what is given in place of it. */
  sendPacked(piece, packed = new Uint8Array(gzipSync(this.bundle.pieceOf(piece)))) {
    const half = packed.length >> 1;
    this.events.data([piece, 0, packed.length], packed.subarray(0, half));
    this.events.data([piece, half, packed.length], packed.subarray(half));
  }

  async sendWrong(piece) {
    const bytes = this.bundle.pieceOf(piece);
    bytes[0] ^= 1;
    await this.send(piece, bytes);
  }

  /** Do all that it is asked for until it is asked no more, or it is over. */
  async sendAll() {
    for (let at = 0; at < this.asked.length && !this.ended; at++) await this.send(this.asked[at]);
  }
}

/** A bundle whose pieces are as long as real ones, and as quick to hash as small ones: each begins with its number. */
function largeBundle(size) {
  const bytes = new Uint8Array(size);
  const count = Math.ceil(size / PIECE);
  for (let piece = 0; piece < count; piece++) bytes[piece * PIECE] = piece + 1;
  const pieceOf = (piece) => bytes.slice(piece * PIECE, (piece + 1) * PIECE);
  const hash = async (part) => Uint8Array.from({ length: 32 }, (_, at) => (at ? part.length >> at : part[0]));
  const digests = new Uint8Array(count * 32);
  for (let piece = 0; piece < count; piece++) {
    const rest = Math.min(PIECE, size - piece * PIECE);
    digests.set(
      Uint8Array.from({ length: 32 }, (_, at) => (at ? rest >> at : piece + 1)),
      piece * 32,
    );
  }
  return { size, count, bytes, pieceOf, pieces: createPieces({ size, pieceLength: PIECE }, digests, hash) };
}

/**
 * Start a download whose clock, seeders and server the test holds.
 *
 * @returns what happened so far, under names that the tests read like sentences
 */
function begin(t, { seeders = ["a"], size = 10 * PIECE, first = 0, ...plan } = {}) {
  const { stream = false, crowd = false } = plan;
  const clock = fakeClock(t);
  const bundle = largeBundle(size);
  const record = emptyRecord();
  const peers = [];
  const fallbacks = [];
  /** Runs that the server was asked for, each with what it can do. */
  const runs = [];
  const outcome = { resolved: 0, record: null, error: null };
  function connect(seeder, first, events) {
    peers.push(new FakePeer(bundle, seeder, first, events));
    return peers.at(-1);
  }
  const {
    done: ended,
    add,
    giveUp,
  } = download(
    bundle.pieces,
    {
      seeders,
      connect,
      fetchRun: (run, signal, take, hear) =>
        new Promise((resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
          async function give(piece, bytes = bundle.pieceOf(piece)) {
            const more = await take(piece, bytes).catch(reject);
            await flush();
            return more;
          }
          /** As a server does: until all is given, or no more is wanted. */
          async function giveAll() {
            for (let piece = run[0]; piece < run[0] + run[1]; piece++) if (!(await give(piece))) break;
            resolve();
            await flush();
          }
          runs.push({ run, signal, hear, give, giveAll, resolve, reject });
        }),
    },
    { deadline: DEADLINE, patience: ANSWER, first, stream, crowd },
    record,
    (reason) => fallbacks.push(reason),
  );
  ended.then(
    () => {
      outcome.resolved++;
      outcome.record = structuredClone(record);
    },
    (error) => {
      outcome.error = error;
    },
  );
  /** The server gives all that it is asked for. */
  async function giveRest() {
    for (const run of runs) await run.giveAll();
  }
  /** One more browser, which has found us by itself. */
  function join(seeder) {
    add(seeder, (events) => connect(seeder, [], events));
    return peers.at(-1);
  }
  return {
    ...bundle,
    clock,
    giveUp,
    join,
    record,
    peers,
    fallbacks,
    runs,
    outcome,
    giveRest,
    /** Its end, without which a test fails, and does not wait. */
    get done() {
      return until(() => outcome.resolved || outcome.error);
    },
  };
}

/** The whole bundle is there, and the record said who brought it, at the moment of resolving and ever after. */
async function assertComplete({ bytes, pieces, outcome, record, size }) {
  assert.equal(outcome.error, null);
  assert.equal(outcome.resolved, 1);
  assert.deepEqual(outcome.record, record);
  assert.ok(Buffer.from(await pieces.join("").arrayBuffer()).equals(bytes));
  assert.equal(record.bytesFromPeers + record.bytesFromServer, size);
  const uploaded = record.uploads.reduce((sum, upload) => sum + upload.bytes, 0);
  assert.equal(uploaded, record.bytesFromPeers);
}

test("one seeder brings it all, a window at a time, and the server is not asked", async (t) => {
  const d = begin(t, { size: 10.5 * PIECE });
  const [a] = d.peers;
  assert.deepEqual(a.first, [[0, WINDOW]]);
  a.open();
  assert.deepEqual(a.requests, [], "what rode in the offer is not asked again");
  await a.send(0);
  assert.deepEqual(a.requests, [[WINDOW, 1]]);
  await a.sendAll();
  await d.done;
  await assertComplete(d);
  assert.deepEqual(a.asked, [...Array(11).keys()], "each piece is asked for once, in order");
  assert.deepEqual(d.fallbacks, []);
  assert.deepEqual(d.runs, []);
  assert.equal(a.ended, "done");
});

test("at the moment of resolving, the last piece of a peer has been counted", async (t) => {
  const d = begin(t, { size: 2.5 * PIECE });
  d.peers[0].open();
  await d.peers[0].sendAll();
  assert.equal(d.outcome.record.bytesFromPeers, 2.5 * PIECE);
  assert.equal(d.outcome.record.uploads[0].bytes, 2.5 * PIECE);
});

test("at the moment of resolving, the last piece of the server has been counted", async (t) => {
  const d = begin(t, { size: 2.5 * PIECE });
  d.peers[0].end("gone");
  await d.runs[0].giveAll();
  assert.equal(d.outcome.record.bytesFromServer, 2.5 * PIECE);
});

test("nothing is asked of a seeder before its channel is open, beyond what rode in the offer", async (t) => {
  const d = begin(t, { seeders: ["a", "b"], size: 20 * PIECE });
  const [a, b] = d.peers;
  a.open();
  await a.sendAll();
  assert.deepEqual(b.requests, []);
});

test("several seeders begin with equal shares that do not overlap", (t) => {
  const d = begin(t, { seeders: ["a", "b", "c"], size: 8 * PIECE });
  assert.deepEqual(
    d.peers.map(({ first }) => first),
    [[[0, 3]], [[3, 3]], [[6, 2]]],
  );
});

test("a share is never larger than the window", (t) => {
  const d = begin(t, { seeders: ["a", "b"], size: 50 * PIECE });
  assert.deepEqual(
    d.peers.map(({ first }) => first),
    [[[0, WINDOW]], [[WINDOW, WINDOW]]],
  );
});

test("more seeders than pieces: those without a share wait, and help at the end", async (t) => {
  const d = begin(t, { seeders: ["a", "b", "c"], size: 2 * PIECE });
  const [a, b, c] = d.peers;
  assert.deepEqual([a.first, b.first, c.first], [[[0, 1]], [[1, 1]], []]);
  await d.clock.advance(MOMENT);
  c.open();
  assert.deepEqual(c.requests, []);
  await d.clock.advance(OVERDUE_MS);
  assert.deepEqual(c.requests, [[1, 1]]);
  a.open();
  await a.send(0);
  await c.send(1);
  await d.done;
  await assertComplete(d);
});

test("several seeders share the pieces: nobody is asked what another one has been asked for", async (t) => {
  const d = begin(t, { seeders: ["a", "b", "c"], size: 30 * PIECE });
  for (const peer of d.peers) peer.open();
  for (let round = 0; round < 8; round++) {
    for (const peer of d.peers) await peer.send(peer.asked[round]);
  }
  const asked = d.peers.flatMap((peer) => peer.asked);
  assert.equal(new Set(asked).size, asked.length);
  assert.equal(asked.length, 30);
  for (const peer of d.peers) await peer.sendAll();
  await d.done;
  await assertComplete(d);
  assert.ok(d.record.uploads.every(({ bytes, failure }) => bytes >= 8 * PIECE && failure === null));
});

test("the share of a dead seeder moves on to those that live", async (t) => {
  const d = begin(t, { seeders: ["a", "b"], size: 8 * PIECE });
  const [a, b] = d.peers;
  b.open();
  assert.deepEqual(b.asked, [4, 5, 6, 7]);
  a.end("unreachable");
  assert.deepEqual(b.asked, [4, 5, 6, 7], "its window is full");
  await b.send(4);
  await b.send(5);
  assert.deepEqual(b.asked, [4, 5, 6, 7, 0, 1]);
  await b.sendAll();
  await d.done;
  await assertComplete(d);
  assert.deepEqual(d.fallbacks, []);
  assert.deepEqual(
    d.record.uploads.map(({ seeder, bytes, failure }) => [seeder, bytes, failure]),
    [
      ["a", 0, "unreachable"],
      ["b", 8 * PIECE, null],
    ],
  );
});

test("a seeder lost half-way has its bytes counted, and the rest comes from another", async (t) => {
  const d = begin(t, { seeders: ["a", "b"], size: 8 * PIECE });
  const [a, b] = d.peers;
  a.open();
  b.open();
  await a.send(0);
  await b.send(4);
  a.end("lost");
  await b.sendAll();
  await d.done;
  await assertComplete(d);
  assert.deepEqual(
    d.record.uploads.map(({ bytes, failure }) => [bytes, failure]),
    [
      [PIECE, "lost"],
      [7 * PIECE, null],
    ],
  );
});

test("a corrupt seeder is ended at its first wrong piece, which is never counted", async (t) => {
  const d = begin(t, { seeders: ["a", "b"], size: 8 * PIECE });
  const [a, b] = d.peers;
  a.open();
  b.open();
  await a.send(0);
  await a.sendWrong(1);
  assert.equal(a.ended, "corrupt");
  assert.equal(d.pieces.has(1), false);
  assert.equal(d.record.bytesFromPeers, PIECE);
  await b.sendAll();
  await d.done;
  await assertComplete(d);
  const [{ bytes, failure }] = d.record.uploads;
  assert.deepEqual([bytes, failure], [PIECE, "corrupt"]);
});

test("a seeder whose parts do not fit together is ended", async (t) => {
  const d = begin(t, { seeders: ["a", "b"] });
  const [a] = d.peers;
  a.open();
  a.events.data([0, 50], d.pieceOf(0).subarray(50));
  assert.equal(a.ended, "protocol");
  assert.equal(d.record.uploads[0].failure, "protocol");
});

test("a piece that is there already is not hashed again, and not counted", async (t) => {
  const d = begin(t, { seeders: ["a", "b"] });
  const [a, b] = d.peers;
  a.open();
  b.open();
  await a.send(0);
  await b.send(0);
  assert.equal(b.ended, null);
  assert.equal(d.record.bytesFromPeers, PIECE);
  assert.equal(d.record.uploads[1].bytes, 0);
});

test("the last seeder's end asks the server at once, with its reason, and nothing is left to wait for", async (t) => {
  const d = begin(t, { seeders: ["a", "b"], size: 8 * PIECE });
  d.peers[0].end("refused");
  assert.deepEqual(d.runs, []);
  d.peers[1].end("unreachable");
  assert.deepEqual(d.fallbacks, ["unreachable"]);
  assert.deepEqual(d.runs[0].run, [0, 8]);
  await d.runs[0].giveAll();
  await d.done;
  await assertComplete(d);
  assert.equal(d.record.bytesFromServer, 8 * PIECE);
  assert.deepEqual(d.clock.waits(), []);
});

test("at the deadline without a piece the server is asked, once", async (t) => {
  const d = begin(t, { seeders: ["a", "b"], size: 3.5 * PIECE });
  await d.clock.advance(DEADLINE - 1);
  assert.deepEqual(d.runs, []);
  await d.clock.advance(1);
  assert.deepEqual(d.fallbacks, ["deadline"]);
  assert.deepEqual(
    d.runs.map(({ run }) => run),
    [[0, 4]],
  );
  await d.clock.advance(ANSWER - 1);
  assert.equal(d.runs.length, 1);
  assert.equal(d.fallbacks.length, 1);
  await d.runs[0].giveAll();
  await d.done;
  await assertComplete(d);
});

test("the server is asked first for what no seeder was asked for, then for what they owe", async (t) => {
  const d = begin(t, { seeders: ["a", "b"], size: 12 * PIECE });
  await d.clock.advance(DEADLINE);
  assert.deepEqual(
    d.runs.map(({ run }) => run),
    [[2 * WINDOW, 4]],
  );
  await d.runs[0].giveAll();
  assert.deepEqual(d.runs[1].run, [0, 2 * WINDOW]);
  await d.runs[1].giveAll();
  await d.done;
  await assertComplete(d);
});

test("what the server is under way with is not asked of a seeder that still has something to do", async (t) => {
  const d = begin(t, { size: 12 * PIECE });
  const [a] = d.peers;
  await d.clock.advance(DEADLINE);
  assert.deepEqual(d.runs[0].run, [WINDOW, 8]);
  a.open();
  await a.send(0);
  await a.send(1);
  assert.deepEqual(a.requests, []);
});

test("each piece puts the deadline off by a whole one", async (t) => {
  const d = begin(t, { size: 2 * PIECE });
  const [a] = d.peers;
  a.open();
  await d.clock.advance(DEADLINE - 100);
  await a.send(0);
  await d.clock.advance(DEADLINE - 1);
  assert.deepEqual(d.fallbacks, []);
  await d.clock.advance(1);
  assert.deepEqual(d.fallbacks, ["stalled"]);
});

test("peers that are quick enough are left alone", async (t) => {
  const d = begin(t, { size: 40 * PIECE });
  const [a] = d.peers;
  a.open();
  for (let piece = 0; piece < 40; piece++) {
    await d.clock.advance(DEADLINE / 25);
    await a.send(piece);
  }
  await d.done;
  assert.deepEqual(d.fallbacks, []);
});

/** A seeder that brings a piece in almost a deadline, up to the moment at which the server is tried. */
async function trickle(t, plan) {
  const d = begin(t, { size: 12 * PIECE, ...plan });
  const [a] = d.peers;
  a.open();
  await d.clock.advance(DEADLINE - 100);
  await a.send(0);
  await d.clock.advance(99);
  assert.deepEqual(d.runs, []);
  await d.clock.advance(1);
  return d;
}

test("where peers trickle the server is tried with one piece, and does the rest if it is faster", async (t) => {
  const d = await trickle(t);
  assert.deepEqual(d.fallbacks, ["slow"]);
  assert.deepEqual(
    d.runs.map(({ run }) => run),
    [[WINDOW + 1, 1]],
  );
  await d.clock.advance(100);
  await d.runs[0].giveAll();
  assert.deepEqual(d.runs[1].run, [WINDOW + 2, 6]);
  await d.giveRest();
  await d.done;
  await assertComplete(d);
});

test("a server that is no faster is left alone for as long again as it took so far", async (t) => {
  const d = begin(t, { size: 20 * PIECE });
  const [a] = d.peers;
  a.open();
  await d.clock.advance(DEADLINE - 100);
  await a.send(0);
  await d.clock.advance(50);
  await a.send(1);
  await d.clock.advance(50);
  assert.deepEqual(d.fallbacks, ["slow"], "at a piece in 100 ms the rest would take 1,800 ms, longer than a deadline");
  await d.clock.advance(101);
  await d.runs[0].giveAll();
  await a.send(2);
  await d.clock.advance(DEADLINE - 102);
  assert.equal(d.runs.length, 1);
  await d.clock.advance(1);
  assert.equal(d.runs.length, 2);
  assert.equal(d.runs[1].run[1], 1);
});

test("what it took to make peers acquainted is no part of their pace", async (t) => {
  const d = begin(t, { size: 20 * PIECE });
  const [a] = d.peers;
  a.open();
  await d.clock.advance(DEADLINE - 100);
  await a.send(0);
  await d.clock.advance(50);
  await a.send(1);
  await d.clock.advance(50);
  await d.clock.advance(99);
  await d.runs[0].giveAll();
  assert.equal(d.runs.length, 2, "99 ms are faster than 100");
});

test("a server that fails when it is tried is not held against it, nor against the peers", async (t) => {
  const d = await trickle(t);
  const [a] = d.peers;
  d.runs[0].reject(new Error("503"));
  await flush();
  await a.send(1);
  await d.clock.advance(DEADLINE);
  d.runs[1].reject(new Error("503"));
  await flush();
  await a.sendAll();
  await d.done;
  await assertComplete(d);
});

test("in a crowd not all try the server at once", async (t) => {
  t.mock.method(Math, "random", () => 0.5);
  const d = begin(t, { size: 12 * PIECE, crowd: true });
  const [a] = d.peers;
  a.open();
  const trial = DEADLINE * (1 + SPREAD / 2);
  for (let piece = 0; piece < 3; piece++) {
    await d.clock.advance(trial / 3 - 1);
    await a.send(piece);
  }
  await d.clock.advance(2);
  assert.deepEqual(d.fallbacks, []);
  await d.clock.advance(1);
  assert.deepEqual(d.fallbacks, ["slow"]);
  assert.equal(d.runs[0].run[1], 1);
});

test("a stall after a quick beginning is noticed after one deadline", async (t) => {
  const d = begin(t, { size: 20 * PIECE });
  const [a] = d.peers;
  a.open();
  for (let piece = 0; piece < 16; piece++) await a.send(piece);
  await d.clock.advance(DEADLINE - 1);
  assert.deepEqual(d.fallbacks, []);
  await d.clock.advance(1);
  assert.deepEqual(d.fallbacks, ["stalled"]);
});

test("after a stall half-way only the missing runs are asked, one after another", async (t) => {
  const d = begin(t, { size: 10 * PIECE });
  const [a] = d.peers;
  a.open();
  for (const piece of [0, 1, 3, 4, 5]) await a.send(piece);
  await d.clock.advance(2 * DEADLINE);
  assert.deepEqual(d.fallbacks, ["stalled"]);
  await d.giveRest();
  await d.done;
  assert.deepEqual(
    d.runs.map(({ run }) => run),
    [
      [9, 1],
      [2, 1],
      [6, 3],
    ],
  );
  await assertComplete(d);
  assert.equal(d.record.bytesFromPeers, 5 * PIECE);
  assert.equal(d.record.bytesFromServer, 5 * PIECE);
});

test("what peers bring while the server is at one run is not asked of it in the next", async (t) => {
  const d = begin(t, { size: 12 * PIECE });
  const [a] = d.peers;
  await d.clock.advance(DEADLINE);
  assert.deepEqual(d.runs[0].run, [4, 8]);
  a.open();
  for (const piece of [0, 1, 2]) await a.send(piece);
  await d.runs[0].giveAll();
  assert.deepEqual(d.runs[1].run, [3, 1]);
});

test("a server that fails twice rejects the download, ends the seeders and stops the clock", async (t) => {
  const d = begin(t, { seeders: ["a", "b"] });
  await d.clock.advance(DEADLINE);
  d.runs[0].reject(new Error("503"));
  await d.clock.advance(DEADLINE - 1);
  assert.equal(d.runs.length, 1, "not before another deadline");
  await d.clock.advance(1);
  d.runs[1].reject(new Error("503"));
  await d.done;
  assert.equal(d.outcome.error.message, "503");
  assert.deepEqual(
    d.peers.map(({ ended }) => ended),
    ["done", "done"],
  );
  assert.deepEqual(d.clock.waits(), []);
});

test("seeders may do without a server that fails", async (t) => {
  const d = begin(t);
  await d.clock.advance(DEADLINE);
  d.runs[0].reject(new Error("503"));
  await flush();
  const [a] = d.peers;
  a.open();
  await a.sendAll();
  await d.done;
  await assertComplete(d);
  assert.equal(d.record.bytesFromServer, 0);
});

test("a server that fails when no seeder is left rejects the download at once", async (t) => {
  const d = begin(t);
  d.peers[0].end("gone");
  d.runs[0].reject(new Error("503"));
  await d.done;
  assert.equal(d.outcome.error.message, "503");
});

test("a server that fails in its second run rejects too", async (t) => {
  const d = begin(t, { size: 5 * PIECE });
  d.peers[0].open();
  await d.peers[0].send(1);
  d.peers[0].end("lost");
  await d.runs[0].giveAll();
  d.runs[1].reject(new Error("short"));
  await d.done;
  assert.equal(d.outcome.error.message, "short");
});

test("wrong bytes of the server reject the download, and are not kept", async (t) => {
  const d = begin(t);
  d.peers[0].end("gone");
  await d.runs[0].give(0);
  await d.runs[0].give(1, d.pieceOf(2));
  await d.done;
  assert.match(d.outcome.error.message, /version/);
  assert.equal(d.pieces.has(1), false);
  assert.equal(d.record.bytesFromServer, PIECE);
});

test("peers that finish while the server is under way resolve it, and the server is cut off", async (t) => {
  const d = begin(t);
  await d.clock.advance(DEADLINE);
  await d.runs[0].give(WINDOW);
  const [a] = d.peers;
  await d.clock.advance(MOMENT);
  a.open();
  await a.sendAll();
  await d.clock.advance(OVERDUE_MS);
  await a.sendAll();
  await d.done;
  await assertComplete(d);
  assert.equal(d.runs[0].signal.aborted, true);
  assert.equal(d.runs.length, 1);
  assert.equal(d.record.bytesFromServer, PIECE);
});

test("server and peers bring the same piece: it counts for the first", async (t) => {
  const d = begin(t, { size: 3 * PIECE });
  const [a] = d.peers;
  await d.clock.advance(DEADLINE);
  a.open();
  await d.runs[0].give(0);
  await a.send(0);
  await a.send(1);
  await d.runs[0].give(1);
  assert.equal(d.record.bytesFromPeers, PIECE);
  assert.equal(d.record.bytesFromServer, PIECE);
  await d.giveRest();
  await d.done;
  await assertComplete(d);
});

test("all seeders lost after the server was asked: it is not asked again, and brings the rest", async (t) => {
  const d = begin(t, { seeders: ["a", "b"] });
  await d.clock.advance(DEADLINE);
  for (const peer of d.peers) peer.end("lost");
  assert.equal(d.runs.length, 1);
  assert.deepEqual(d.fallbacks, ["deadline"]);
  await d.giveRest();
  await d.done;
  await assertComplete(d);
});

test("at the end an idle seeder is asked too for what a busy one owes for long, the last first; who loses is told", async (t) => {
  const d = begin(t, { seeders: ["slow", "quick"], size: 8 * PIECE });
  const [slow, quick] = d.peers;
  await d.clock.advance(MOMENT);
  slow.open();
  quick.open();
  for (const piece of [4, 5, 6, 7]) await quick.send(piece);
  await d.clock.advance(OVERDUE_MS - MOMENT - 1);
  assert.deepEqual([quick.requests, slow.cancelled], [[], []], "it is not late yet");
  await d.clock.advance(MOMENT + 1);
  assert.deepEqual(quick.requests, [[3, 1]]);
  assert.deepEqual(slow.cancelled, [], "it may still be the first");
  await quick.sendAll();
  await d.done;
  await assertComplete(d);
  assert.deepEqual(slow.cancelled, [
    [3, 1],
    [2, 1],
    [1, 1],
    [0, 1],
  ]);
  assert.equal(slow.ended, "done");
  assert.equal(d.record.uploads[0].failure, null, "to be slow is no failure");
});

test("a piece is overdue when the time has passed, to the millisecond: no clock is finer than it is", async (t) => {
  const d = begin(t, { seeders: ["slow", "quick"], size: 2 * PIECE });
  const [slow, quick] = d.peers;
  slow.open();
  quick.open();
  await quick.send(1);
  await d.clock.advance(OVERDUE_MS - 1);
  assert.deepEqual(quick.requests, []);
  await d.clock.advance(1);
  assert.deepEqual(quick.requests, [[0, 1]]);
});

test("a seeder that is asked for something still does not steal", async (t) => {
  const d = begin(t, { seeders: ["slow", "quick"], size: 8 * PIECE });
  await d.clock.advance(MOMENT);
  for (const peer of d.peers) peer.open();
  for (const piece of [4, 5, 6]) await d.peers[1].send(piece);
  await d.clock.advance(2 * OVERDUE_MS);
  assert.deepEqual(d.peers[0].cancelled, []);
});

test("nobody is asked for an overdue piece that it lacks", async (t) => {
  const d = begin(t, { seeders: ["slow", "quick"], size: 3 * PIECE });
  const [slow, quick] = d.peers;
  await d.clock.advance(MOMENT);
  slow.open();
  quick.open([0, 2]);
  await quick.send(2);
  await d.clock.advance(OVERDUE_MS);
  assert.deepEqual(quick.requests, [[0, 1]]);
});

test("a piece that is asked of two stays with the one when the other is lost", async (t) => {
  const d = begin(t, { seeders: ["slow", "thief"], size: 2 * PIECE });
  const [slow, thief] = d.peers;
  await d.clock.advance(MOMENT);
  slow.open();
  thief.open();
  await thief.send(1);
  await d.clock.advance(OVERDUE_MS);
  assert.deepEqual(thief.requests, [[0, 1]]);
  thief.end("lost");
  assert.deepEqual([slow.requests, slow.cancelled], [[], []]);
  await slow.send(0);
  await d.done;
  await assertComplete(d);
});

test("the more owe a piece, the longer until one more is asked for it; none is asked twice", async (t) => {
  const d = begin(t, { seeders: ["slow", "slower", "idle"], size: 3 * PIECE });
  const [slow, slower, idle] = d.peers;
  for (const peer of d.peers) peer.open();
  await slower.send(1);
  await idle.send(2);
  const requests = () => [slower, idle].map((peer) => peer.requests.length).sort();
  await d.clock.advance(OVERDUE_MS);
  assert.deepEqual(requests(), [0, 1]);
  await d.clock.advance(OVERDUE_MS);
  assert.deepEqual(requests(), [0, 1]);
  await d.clock.advance(OVERDUE_MS);
  assert.deepEqual(requests(), [1, 1]);
  await d.clock.advance(DEADLINE - 3 * OVERDUE_MS - 1);
  assert.deepEqual([slow.requests, requests()], [[], [1, 1]]);
  await slow.send(0);
  await d.done;
  await assertComplete(d);
  assert.deepEqual([slower.cancelled, idle.cancelled], [[[0, 1]], [[0, 1]]]);
});

// What others have --------------------------------------------------------------------------------------

test("a seeder is asked only for what it has, and for more as it says that it has more", async (t) => {
  const d = begin(t, { size: 12 * PIECE });
  const [a] = d.peers;
  a.open([0, 1, 2, 3, 7]);
  await a.send(0);
  assert.deepEqual(a.requests, [[7, 1]]);
  for (const piece of [1, 2, 3, 7]) await a.send(piece);
  assert.deepEqual(a.requests, [[7, 1]]);
  a.have(4, 11);
  assert.deepEqual(a.requests.slice(1), [
    [4, 1],
    [11, 1],
  ]);
});

test("until it has said what it has, nothing more is asked of it", async (t) => {
  const d = begin(t, { size: 12 * PIECE });
  const [a] = d.peers;
  a.opened = true;
  await a.send(0);
  assert.deepEqual(a.requests, []);
  a.open();
  assert.deepEqual(a.requests, [[WINDOW, 1]]);
});

test("what rode in the offer, and it lacks, is freed when it first says what it has", async (t) => {
  const d = begin(t, { seeders: ["part", "full"], size: 8 * PIECE });
  const [part, full] = d.peers;
  full.open();
  part.open([2, 3]);
  assert.deepEqual(part.requests, [], "what it has of it is on its way");
  await full.send(4);
  await full.send(5);
  assert.deepEqual(full.requests, [
    [0, 1],
    [1, 1],
  ]);
});

test("only the first word frees: what is asked of it later stays asked of it", async (t) => {
  const d = begin(t, { seeders: ["part", "full"], size: 8 * PIECE });
  const [part, full] = d.peers;
  part.open([0, 1, 2, 3]);
  part.have(6);
  part.have();
  full.open([4, 5, 6, 7]);
  await full.sendAll();
  assert.deepEqual(full.asked, [4, 5, 6, 7]);
});

test("pieces that do not exist are no reason to ask", async (t) => {
  const d = begin(t, { size: 2 * PIECE });
  const [a] = d.peers;
  a.opened = true;
  a.events.have([0, 2 ** 32 - 1, 5, 9]);
  await a.sendAll();
  await d.done;
  assert.deepEqual(a.asked, [0, 1]);
});

test("partial seeders that complement each other bring the whole, without the server", async (t) => {
  const d = begin(t, { seeders: ["even", "odd"], size: 10 * PIECE });
  const [even, odd] = d.peers;
  even.open([0, 2, 4, 6, 8]);
  odd.open([1, 3, 5, 7, 9]);
  for (let round = 0; round < 3; round++) for (const peer of d.peers) await peer.sendAll();
  await d.clock.advance(OVERDUE_MS);
  await d.done;
  await assertComplete(d);
  assert.ok(even.asked.slice(WINDOW).every((piece) => piece % 2 === 0));
  assert.ok(odd.asked.slice(WINDOW).every((piece) => piece % 2 === 1));
  assert.deepEqual(d.runs, []);
});

test("pieces spread by what each delivers: a slow seeder gets less", async (t) => {
  const d = begin(t, { seeders: ["slow", "quick"], size: 40 * PIECE });
  const [slow, quick] = d.peers;
  slow.open();
  quick.open();
  const places = new Map(d.peers.map((peer) => [peer, 0]));
  const give = (peer) => peer.send(peer.asked[places.set(peer, places.get(peer) + 1).get(peer) - 1]);
  while (!d.outcome.resolved) {
    await d.clock.advance(MOMENT);
    for (let turn = 0; turn < 4; turn++) if (places.get(quick) < quick.asked.length) await give(quick);
    if (places.get(slow) < slow.asked.length && !d.outcome.resolved) await give(slow);
  }
  await assertComplete(d);
  const [little, much] = d.record.uploads.map(({ bytes }) => bytes / PIECE);
  assert.ok(much >= 3 * little, `${little} and ${much} pieces`);
  assert.ok(little >= 5, `${little} pieces`);
});

test("the order starts at the first piece of the plan, and goes round", async (t) => {
  const d = begin(t, { seeders: ["a", "b"], size: 10 * PIECE, first: 7 });
  const [a, b] = d.peers;
  assert.deepEqual(a.first, [
    [7, 3],
    [0, 1],
  ]);
  assert.deepEqual(b.first, [[1, WINDOW]]);
  a.open();
  for (const piece of [7, 8, 9]) await a.send(piece);
  assert.deepEqual(a.requests, [
    [5, 1],
    [6, 1],
  ]);
});

test("alone, the server is asked from the beginning on, at once for all", async (t) => {
  const d = begin(t, { size: 10 * PIECE, first: 7 });
  d.peers[0].end("gone");
  assert.deepEqual(d.runs[0].run, [0, 10]);
});

test("in a crowd the server, too, is asked from there on", async (t) => {
  const d = begin(t, { size: 10 * PIECE, first: 7, crowd: true });
  d.peers[0].end("gone");
  assert.deepEqual(d.runs[0].run, [7, 3]);
  await d.runs[0].giveAll();
  assert.deepEqual(d.runs[1].run, [0, 7]);
  await d.runs[1].giveAll();
  await d.done;
  await assertComplete(d);
});

// One more source ---------------------------------------------------------------------------------------

test("a browser that joins on the way is asked for what it has and nobody was asked for", async (t) => {
  const d = begin(t, { size: 12 * PIECE });
  const [a] = d.peers;
  a.open();
  const joined = d.join("j");
  assert.deepEqual(joined.asked, []);
  joined.open([0, 5, 6, 11]);
  assert.deepEqual(joined.asked, [5, 6, 11]);
  await joined.sendAll();
  await a.sendAll();
  await d.done;
  await assertComplete(d);
  assert.deepEqual(
    d.record.uploads.map(({ seeder, bytes }) => [seeder, bytes / PIECE]),
    [
      ["a", 9],
      ["j", 3],
    ],
  );
});

test("one that joins with nothing is asked when something has come to it", (t) => {
  const d = begin(t, { size: 12 * PIECE });
  const joined = d.join("j");
  joined.open([]);
  assert.deepEqual(joined.asked, []);
  joined.have(9);
  assert.deepEqual(joined.asked, [9]);
});

test("one that joined and is lost leaves its pieces to the others; while it is there, the server is not needed", async (t) => {
  const d = begin(t, { size: 8 * PIECE });
  const [a] = d.peers;
  const joined = d.join("j");
  joined.open();
  a.end("lost");
  assert.deepEqual(d.runs, []);
  assert.deepEqual(joined.asked, [4, 5, 6, 7]);
  await joined.sendAll();
  await d.done;
  await assertComplete(d);
  assert.deepEqual(d.fallbacks, []);
});

test("one that joins when all is over changes nothing of what was recorded", async (t) => {
  const d = begin(t, { size: PIECE });
  d.peers[0].open();
  await d.peers[0].sendAll();
  await d.done;
  const before = structuredClone(d.record);
  d.join("late").open();
  await d.clock.advance(DEADLINE);
  assert.deepEqual(d.record, before);
  assert.deepEqual(d.peers[1].asked, []);
});

// Packed pieces -----------------------------------------------------------------------------------------

test("a packed piece counts as the bytes that it stands for", async (t) => {
  const d = begin(t, { size: 2.5 * PIECE });
  const [a] = d.peers;
  a.open();
  for (const piece of [2, 0, 1]) {
    a.sendPacked(piece);
    await until(() => d.pieces.has(piece));
  }
  await d.done;
  await assertComplete(d);
  assert.equal(d.record.bytesFromPeers, 2.5 * PIECE);
});

test("packed and plain pieces may follow each other on one channel", async (t) => {
  const d = begin(t, { size: 3 * PIECE });
  const [a] = d.peers;
  a.open();
  await a.send(0);
  a.sendPacked(1);
  await a.send(2);
  await d.done;
  await assertComplete(d);
});

test("a packed piece that is too long, too short, broken, or of other bytes ends its seeder as corrupt", async (t) => {
  t.mock.method(console, "debug", () => {});
  const pack = (bytes) => new Uint8Array(gzipSync(bytes));
  const broken = (bytes) => {
    const packed = pack(bytes);
    packed[packed.length - 6] ^= 0xff;
    return packed;
  };
  const wrong = {
    bomb: () => pack(new Uint8Array(20 * PIECE)),
    "a byte too long": (piece) => pack(Buffer.concat([piece, Uint8Array.of(0)])),
    "a byte too short": (piece) => pack(piece.subarray(1)),
    "a wrong checksum": broken,
    "cut off": (piece) => pack(piece).subarray(0, 50),
    "no gzip": (piece) => piece.subarray(0, 50),
    "another piece": () => pack(new Uint8Array(PIECE)),
  };
  for (const [name, make] of Object.entries(wrong)) {
    const d = begin(t, { seeders: ["liar", "b"], size: 8 * PIECE });
    const [liar, b] = d.peers;
    liar.open();
    liar.sendPacked(0, make(d.pieceOf(0)));
    await until(() => liar.ended);
    assert.equal(liar.ended, "corrupt", name);
    assert.equal(d.pieces.has(0), false);
    assert.equal(d.record.bytesFromPeers, 0);
    b.open();
    await b.sendAll();
    await d.done;
    await assertComplete(d);
  }
});

test("a packed piece that claims to be longer than the piece ends its seeder before it is read", (t) => {
  const d = begin(t, { seeders: ["liar", "b"] });
  const [liar] = d.peers;
  liar.open();
  liar.events.data([0, 0, PIECE + 1], new Uint8Array(10));
  assert.equal(liar.ended, "protocol");
});

// Streaming from the server -----------------------------------------------------------------------------

test("a stream asks the server at once, from the plan's first piece, and that is no fallback", async (t) => {
  const d = begin(t, { seeders: ["a", "b"], size: 10 * PIECE, first: 3, stream: true });
  assert.deepEqual(
    d.runs.map(({ run }) => run),
    [[3, 7]],
  );
  assert.deepEqual(
    d.peers.map(({ first }) => first),
    [[], []],
    "seeders wait for what they are better at",
  );
  await d.runs[0].giveAll();
  assert.deepEqual(d.runs[1].run, [0, 3]);
  await d.runs[1].giveAll();
  await d.done;
  await assertComplete(d);
  assert.deepEqual(d.fallbacks, []);
});

test("a stream without any seeder is a download from the server", async (t) => {
  const d = begin(t, { seeders: [], stream: true });
  assert.deepEqual(d.runs[0].run, [0, 10]);
  await d.runs[0].giveAll();
  await d.done;
  await assertComplete(d);
  assert.deepEqual(d.fallbacks, []);
});

test("seeders help a stream from its end, and it stops where they have come to", async (t) => {
  const d = begin(t, { size: 6 * PIECE, stream: true });
  const [a] = d.peers;
  await d.clock.advance(MOMENT);
  a.open();
  assert.deepEqual(a.requests, []);
  await d.runs[0].give(0);
  await d.clock.advance(OVERDUE_MS);
  assert.deepEqual(a.requests, [[5, 1]]);
  await a.send(5);
  await a.send(4);
  assert.equal(await d.runs[0].give(1), true);
  assert.equal(await d.runs[0].give(2), false, "the next one is asked of the seeder");
  d.runs[0].resolve();
  await a.send(3);
  await d.done;
  await assertComplete(d);
  assert.deepEqual(d.fallbacks, []);
  assert.equal(d.record.bytesFromServer, 3 * PIECE);
});

test("a stream whose seeders are all lost goes on without a word", async (t) => {
  const d = begin(t, { seeders: ["a", "b"], stream: true });
  for (const peer of d.peers) peer.end("unreachable");
  await d.clock.advance(2 * DEADLINE);
  assert.deepEqual(d.fallbacks, []);
  assert.equal(d.runs.length, 1);
});

test("a stream that breaks leaves it to the seeders, for a deadline", async (t) => {
  const d = begin(t, { stream: true });
  const [a] = d.peers;
  d.runs[0].reject(new Error("503"));
  await flush();
  a.open();
  await a.sendAll();
  await d.done;
  await assertComplete(d);
  assert.equal(d.runs.length, 1);
});

test("what a server had promised when it broke is asked of an idle seeder", async (t) => {
  const d = begin(t, { size: 8 * PIECE });
  const [a] = d.peers;
  await d.clock.advance(DEADLINE);
  await d.clock.advance(MOMENT);
  a.open();
  await a.sendAll();
  assert.deepEqual(a.requests, []);
  d.runs[0].reject(new Error("503"));
  await d.clock.advance(OVERDUE_MS);
  assert.deepEqual(a.requests, [[WINDOW, WINDOW]]);
});

// Runs of the server ------------------------------------------------------------------------------------

test("a run stops where the next piece has come otherwise, and the next run is what is left", async (t) => {
  const d = begin(t, { size: 12 * PIECE });
  const [a] = d.peers;
  await d.clock.advance(DEADLINE);
  assert.deepEqual(d.runs[0].run, [WINDOW, 8]);
  assert.equal(await d.runs[0].give(4), true);
  a.open();
  await a.send(6);
  assert.equal(await d.runs[0].give(5), false);
  d.runs[0].resolve();
  await flush();
  assert.deepEqual(d.runs[1].run, [7, 5]);
});

test("a server that ignores the range, and gives all from the first piece, is read on until the run", async (t) => {
  const d = begin(t, { size: 8 * PIECE });
  await d.clock.advance(DEADLINE);
  assert.deepEqual(d.runs[0].run, [WINDOW, 4]);
  for (let piece = 0; piece < 7; piece++) assert.equal(await d.runs[0].give(piece), true, `piece ${piece}`);
  await d.runs[0].give(7);
  await d.done;
  await assertComplete(d);
});

// Crowds ------------------------------------------------------------------------------------------------

test("in a crowd the server is asked for no more than half a window at a time", async (t) => {
  const d = begin(t, { size: 20 * PIECE, crowd: true, first: 2 });
  await d.clock.advance(2 * DEADLINE);
  assert.deepEqual(d.runs[0].run, [2 + WINDOW, WINDOW / 2]);
  await d.runs[0].giveAll();
  assert.deepEqual(d.runs[1].run, [2 + (3 * WINDOW) / 2, WINDOW / 2]);
});

test("in a crowd the server is asked for no more than an eighth of a small bundle at a time", async (t) => {
  const d = begin(t, { size: PARTS * PIECE, crowd: true });
  await d.clock.advance(2 * DEADLINE);
  assert.deepEqual(d.runs[0].run, [WINDOW, 1]);
});

test("a crowd that got going after all is left to itself", async (t) => {
  const d = begin(t, { size: 20 * PIECE, crowd: true });
  const [a] = d.peers;
  await d.clock.advance(2 * DEADLINE);
  assert.deepEqual(d.runs[0].run, [WINDOW, WINDOW / 2]);
  a.open([0, 1, 2, 3, 6, 7]);
  await a.sendAll();
  await d.runs[0].giveAll();
  assert.equal(d.runs.length, 1);
  await d.clock.advance(20 * DEADLINE);
  assert.deepEqual(d.runs[1].run, [8, 1], "a trial: what is left would take long");
});

test("a crowd gets twice the time for its first piece: those who have it must connect first", async (t) => {
  const d = begin(t, { size: 20 * PIECE, crowd: true });
  await d.clock.advance(2 * DEADLINE - 1);
  assert.deepEqual(d.fallbacks, []);
  await d.clock.advance(1);
  assert.deepEqual(d.fallbacks, ["deadline"]);
});

test("who is alone in the end of a crowd asks the server for all the rest", async (t) => {
  const d = begin(t, { size: 20 * PIECE, crowd: true });
  d.peers[0].end("lost");
  assert.deepEqual(d.runs[0].run, [0, 20]);
});

test("a crowd's stream is asked for as one", (t) => {
  const d = begin(t, { seeders: [], size: 20 * PIECE, crowd: true, stream: true });
  assert.deepEqual(d.runs[0].run, [0, 20]);
});

test("in a crowd the links to those who still lack pieces stay open at the end, the others are done", async (t) => {
  const d = begin(t, { seeders: ["full", "part", "silent", "ended"], size: 4 * PIECE, crowd: true });
  const [full, part, silent, ended] = d.peers;
  full.open();
  part.open([1]);
  silent.opened = true;
  ended.end("lost");
  await part.sendAll();
  await full.sendAll();
  await full.send(2);
  await d.done;
  await assertComplete(d);
  assert.deepEqual([full.ended, part.ended, silent.ended, ended.ended], ["done", null, "done", "lost"]);
});

test("who came by itself keeps its link until it has all, whatever it has said by then", async (t) => {
  const d = begin(t, { size: 4 * PIECE });
  const [a] = d.peers;
  const joined = [d.join("silent"), d.join("part"), d.join("full")];
  a.open();
  joined[1].open([1]);
  joined[2].open();
  await a.sendAll();
  await d.giveRest();
  await d.done;
  assert.deepEqual(
    joined.map(({ ended }) => ended),
    [null, null, "done"],
  );
});

test("without a crowd all links end with the download", async (t) => {
  const d = begin(t, { seeders: ["full", "part"], size: 4 * PIECE });
  const [full, part] = d.peers;
  full.open();
  part.open([2]);
  await part.sendAll();
  await full.sendAll();
  await full.send(3);
  await d.done;
  assert.deepEqual([full.ended, part.ended], ["done", "done"]);
});

test("a link that stayed open changes nothing of what was recorded", async (t) => {
  const d = begin(t, { seeders: ["full", "part"], size: 2 * PIECE, crowd: true });
  const [full, part] = d.peers;
  full.open();
  part.open([]);
  await full.sendAll();
  await full.send(1);
  await d.done;
  const before = structuredClone(d.record);
  part.have(0);
  await part.send(0);
  part.end("lost");
  assert.deepEqual(d.record, before);
  assert.deepEqual(part.requests, []);
});

test("seeders that wait for pieces themselves are waited for, some deadlines long", async (t) => {
  const d = begin(t, { size: 12 * PIECE });
  d.peers[0].open([]);
  await d.clock.advance(PATIENCE * DEADLINE - 1);
  assert.deepEqual(d.fallbacks, []);
  await d.clock.advance(1);
  assert.deepEqual(d.fallbacks, ["deadline"]);
});

test("they get as many times what pieces have taken so far, where that is longer", async (t) => {
  const d = begin(t, { size: 12 * PIECE });
  const [a] = d.peers;
  const gap = 2 * DEADLINE;
  a.open([]);
  await d.clock.advance(gap);
  a.have(0);
  await a.send(0);
  // It is tried in the meantime, and fails.
  for (const wait of [0, gap]) {
    await d.clock.advance(wait);
    d.runs.at(-1).reject(new Error("503"));
    await flush();
  }
  await d.clock.advance((PATIENCE - 1) * gap - 1);
  assert.deepEqual(d.fallbacks, ["slow", "slow"]);
  await d.clock.advance(1);
  assert.equal(d.runs.length, 3);
  assert.equal(d.fallbacks[2], "stalled");
});

test("one that is not open is nobody to wait for", async (t) => {
  const d = begin(t, { seeders: ["part", "closed"], size: 12 * PIECE });
  const [part] = d.peers;
  part.open([0]);
  await part.send(0);
  part.end("lost");
  await d.clock.advance(DEADLINE);
  assert.equal(d.runs.length, 1);
});

test("to say nothing again and again puts nothing off", async (t) => {
  const d = begin(t, { size: 12 * PIECE });
  const [a] = d.peers;
  a.open([]);
  for (let round = 0; round < 20 && !d.runs.length; round++) {
    await d.clock.advance(DEADLINE);
    a.have();
  }
  assert.ok(d.runs.length, `not asked in ${d.clock.now()} ms`);
  assert.ok(d.clock.now() <= (PATIENCE + 1) * DEADLINE);
});

// All of it ---------------------------------------------------------------------------------------------

test("it resolves once, and nothing that comes after changes the record", async (t) => {
  const d = begin(t, { seeders: ["a", "b"], size: 3 * PIECE });
  const [a, b] = d.peers;
  await d.clock.advance(DEADLINE);
  a.open();
  b.open();
  for (const piece of [0, 1, 2]) await a.send(piece);
  await d.done;
  const before = structuredClone(d.record);
  await b.send(2);
  await b.sendWrong(0);
  b.events.end("lost");
  await d.runs[0].give(0);
  await d.runs[0].giveAll();
  await d.clock.advance(10 * DEADLINE);
  assert.deepEqual(d.record, before);
  await assertComplete(d);
  assert.equal(a.ends, 1);
  assert.equal(d.fallbacks.length, 1);
  assert.deepEqual(d.clock.waits(), []);
});

test("uploads say how long each seeder took to its last verified piece", async (t) => {
  const d = begin(t, { seeders: ["a", "b", "idle"], size: 4 * PIECE });
  const [a, b] = d.peers;
  a.open();
  b.open();
  await d.clock.advance(100);
  await a.send(0);
  await d.clock.advance(50.4);
  await b.send(2);
  await b.send(3);
  await d.clock.advance(200);
  await a.send(1);
  await d.done;
  await assertComplete(d);
  assert.deepEqual(d.record.uploads, [
    { seeder: "a", bytes: 2 * PIECE, milliseconds: 350, failure: null, roundTrip: null },
    { seeder: "b", bytes: 2 * PIECE, milliseconds: 150, failure: null, roundTrip: null },
    { seeder: "idle", bytes: 0, milliseconds: 0, failure: null, roundTrip: null },
  ]);
});

test("whatever seeders and server do, the bundle comes together right, or the server failed", async (t) => {
  t.mock.method(console, "debug", () => {});
  for (let seed = 1; seed <= 80; seed++) {
    const random = createRandom(seed);
    const seeders = ["a", "b", "c"].slice(0, 1 + random.integer(3));
    const size = 1 + random.integer(15 * PIECE);
    const plan = {
      first: random.integer(Math.ceil(size / PIECE)),
      stream: !random.integer(4),
      crowd: !random.integer(2),
    };
    const d = begin(t, { seeders, size, ...plan });
    const liar = random.integer(3) ? -1 : random.integer(seeders.length);
    /** @type {Map<object, number>} how far each peer is in what it was asked for */
    const places = new Map();
    const serverBreaks = !random.integer(6);
    const given = new Map();
    for (let step = 0; step < 400 && !d.outcome.resolved && !d.outcome.error; step++) {
      const peer = random.pick(d.peers);
      const at = places.get(peer) ?? 0;
      const chance = random.next();
      if (chance < 0.03) await d.clock.advance(DEADLINE * random.next());
      else if (chance < 0.05) peer.end("lost");
      else if (chance < 0.06 && d.peers.length < 5) d.join(`joined ${step}`);
      else if (chance < 0.4 && d.runs.length) {
        const run = d.runs.at(-1);
        const next = given.get(run) ?? 0;
        given.set(run, next + 1);
        if (serverBreaks && random.next() < 0.2) run.reject(new Error("503"));
        else if (next >= run.run[1] || !(await run.give(run.run[0] + next))) run.resolve();
        await flush();
      } else if (!peer.opened) peer.open([...Array(d.count).keys()].filter(() => random.integer(4)));
      else if (!peer.ended && at < peer.asked.length) {
        places.set(peer, at + 1);
        if (d.peers.indexOf(peer) === liar && random.next() < 0.3) await peer.sendWrong(peer.asked[at]);
        else await peer.send(peer.asked[at]);
      } else if (!peer.ended && chance > 0.8) peer.have(random.integer(d.count));
      else await d.clock.advance(10);
    }
    // Whoever is silent now leaves it to the server, after some time.
    for (let round = 0; round < 20 && !d.runs.length; round++) await d.clock.advance(DEADLINE);
    for (let round = 0; round < 50 && !d.outcome.resolved && !d.outcome.error; round++) await d.runs.at(-1).giveAll();
    assert.ok(d.outcome.resolved || d.outcome.error, `seed ${seed}: it comes to an end`);
    if (!plan.crowd) {
      assert.ok(
        d.peers.slice(0, seeders.length).every(({ ended }) => ended),
        `seed ${seed}: a seeder is left behind`,
      );
    }
    if (d.outcome.error) assert.ok(serverBreaks, `seed ${seed}: ${d.outcome.error}`);
    else await assertComplete(d);
  }
});

test("a seeder that was waited for in vain is told of as such; one that had no time to open is not", async (t) => {
  for (const [waited, failure] of [
    [DEADLINE - MOMENT, null],
    [DEADLINE + MOMENT, "unreachable"],
  ]) {
    const d = begin(t, { seeders: ["open", "closed"], size: PIECE });
    d.peers[0].open();
    await d.clock.advance(waited);
    await d.peers[0].sendAll();
    await d.done;
    assert.deepEqual(
      d.record.uploads.map((upload) => upload.failure),
      [null, failure],
    );
  }
});

test("one that streams beside seeders asks server and seeders at once, and the server for a part at a time", async (t) => {
  const size = 4 * PARTS * PIECE;
  const d = begin(t, { seeders: ["a"], size, first: 3, stream: true, crowd: true });
  const part = Math.min(WINDOW / 2, d.count / PARTS);
  assert.deepEqual(
    d.runs.map(({ run }) => run),
    [[3, part]],
  );
  d.peers[0].open();
  assert.deepEqual(
    d.peers[0].asked,
    Array.from({ length: WINDOW }, (_, at) => 3 + part + at),
  );
  await d.runs[0].giveAll();
  assert.deepEqual(d.runs[1].run, [3 + part + WINDOW, part], "what neither was asked for");
  await d.runs[1].giveAll();
  for (let turn = 2; turn < 4 * d.count && !d.outcome.resolved; turn++) {
    await d.peers[0].sendAll();
    await d.runs.at(-1).giveAll();
  }
  await d.done;
  assert.ok(d.record.bytesFromPeers && d.record.bytesFromServer);
  assert.equal(d.record.bytesFromPeers + d.record.bytesFromServer, size);
});

// Whatever fails, it ends -----------------------------------------------------------------------------------

test("a server of which nothing is heard is given up, asked once more after a deadline, and then rejects", async (t) => {
  const d = begin(t);
  await d.clock.advance(DEADLINE);
  await d.clock.advance(ANSWER - 1);
  assert.equal(d.runs[0].signal.aborted, false);
  await d.clock.advance(1);
  assert.equal(d.runs[0].signal.aborted, true);
  await d.clock.advance(DEADLINE);
  assert.equal(d.runs.length, 2);
  await d.clock.advance(ANSWER);
  assert.equal(d.outcome.error.message, "silent");
  assert.deepEqual(d.clock.waits(), []);
});

test("a sign of life puts that off by far, be it less than a piece", async (t) => {
  const d = begin(t, { seeders: [], stream: true });
  await d.clock.advance(ANSWER - 1);
  d.runs[0].hear();
  for (let turn = 0; turn < 5; turn++) {
    await d.clock.advance(SILENCE_MS - 1);
    d.runs[0].hear();
  }
  assert.equal(d.outcome.error, null);
  await d.clock.advance(SILENCE_MS);
  assert.equal(d.outcome.error.message, "silent");
});

test("a trial that fails after its peers have stalled is followed by another request", async (t) => {
  const d = await trickle(t);
  await d.clock.advance(2 * DEADLINE);
  assert.equal(d.runs.length, 1);
  d.runs[0].reject(new Error("503"));
  await flush();
  await d.clock.advance(DEADLINE);
  assert.equal(d.runs.length, 2);
  await d.runs[1].giveAll();
  await d.giveRest();
  await d.done;
  await assertComplete(d);
});

test("a piece that one owes, and the server too, is asked of a third who idles", async (t) => {
  const d = begin(t, { seeders: ["owes", "idle"], size: 2 * PIECE });
  const [owes, idle] = d.peers;
  owes.open();
  await owes.send(0);
  await d.clock.advance(DEADLINE);
  assert.deepEqual(d.runs[0].run, [1, 1]);
  idle.open();
  await d.clock.advance(2 * OVERDUE_MS);
  assert.deepEqual(idle.asked, [1]);
  await idle.send(1);
  await d.done;
  await assertComplete(d);
  assert.deepEqual(d.clock.waits(), []);
});

test("a server that gives nothing, and says that this was all, has failed", async (t) => {
  const d = begin(t, { seeders: [], stream: true });
  d.runs[0].resolve();
  await d.done;
  assert.equal(d.outcome.error.message, "short");
});

test("a peer that can't be spoken to is lost, and no other", async (t) => {
  t.mock.method(console, "debug", () => {});
  const d = begin(t, { seeders: ["a", "b"], size: 12 * PIECE });
  const [a, b] = d.peers;
  a.request = () => {
    throw new DOMException("closing", "InvalidStateError");
  };
  a.open();
  b.open();
  await a.send(0);
  assert.equal(a.ended, "lost");
  await b.sendAll();
  await d.done;
  await assertComplete(d);
});

test("a peer that the browser can't make is none; where none can be made, the server is asked at once", async (t) => {
  t.mock.method(console, "debug", () => {});
  for (const able of [["b"], []]) {
    const clock = fakeClock(t);
    const bundle = largeBundle(2 * PIECE);
    const peers = [];
    const fallbacks = [];
    const runs = [];
    download(
      bundle.pieces,
      {
        seeders: ["a", "b"],
        connect(seeder, first, events) {
          if (!able.includes(seeder)) throw new DOMException("too many", "UnknownError");
          peers.push(new FakePeer(bundle, seeder, first, events));
          return peers[0];
        },
        fetchRun: (run) => {
          runs.push(run);
          return new Promise(() => {});
        },
      },
      { deadline: DEADLINE, patience: ANSWER, first: 0, stream: false, crowd: false },
      emptyRecord(),
      (reason) => fallbacks.push(reason),
    );
    await clock.advance(MOMENT);
    assert.deepEqual([peers.length, fallbacks], able.length ? [1, []] : [0, ["client"]]);
    assert.equal(runs.length, able.length ? 0 : 1);
  }
});

test("a listener of the page that throws at a fallback makes it end, not hang", async (t) => {
  const clock = fakeClock(t);
  const bundle = largeBundle(2 * PIECE);
  const outcome = { error: null };
  const { done } = download(
    bundle.pieces,
    {
      seeders: ["a"],
      connect: (seeder, first, events) => new FakePeer(bundle, seeder, first, events),
      fetchRun: () => assert.fail("not asked"),
    },
    { deadline: DEADLINE, patience: ANSWER, first: 0, stream: false, crowd: false },
    emptyRecord(),
    () => {
      throw new Error("listener");
    },
  );
  done.catch((error) => {
    outcome.error = error;
  });
  await clock.advance(3 * DEADLINE);
  assert.equal(outcome.error.message, "listener");
  assert.deepEqual(clock.waits(), []);
});

test("a link to somebody who wanted pieces of us ends with a download that failed", async (t) => {
  const d = begin(t, { crowd: true });
  const joined = d.join("part");
  joined.open([1]);
  d.peers[0].end("lost");
  for (let turn = 0; turn < 2; turn++) {
    await d.clock.advance(2 * DEADLINE);
    d.runs[turn].reject(new Error("503"));
  }
  await d.done;
  assert.equal(d.outcome.error.message, "503");
  assert.equal(joined.ended, "done");
});

test("who gives up on seeders takes all that is missing from the server at once, and ends those that are not open", async (t) => {
  const d = begin(t, { seeders: ["open", "closed"], size: 20 * PIECE, crowd: true });
  const [open, closed] = d.peers;
  open.open();
  await open.send(0);
  d.giveUp("signaling");
  assert.deepEqual(
    d.runs.map(({ run }) => run),
    [[1, 19]],
  );
  assert.deepEqual([d.fallbacks, open.ended, closed.ended], [["signaling"], null, "signaling"]);
  await d.giveRest();
  await d.done;
  await assertComplete(d);
});
