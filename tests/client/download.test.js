import assert from "node:assert/strict";
import test from "node:test";
import { DEADLINE_BYTES, download, toRanges, WINDOW_BYTES } from "../../viraljs/client/download.js";
import { createPieces } from "../../viraljs/client/pieces.js";
import { createRandom, emptyRecord, fakeClock, flush } from "./support.js";

const DEADLINE = 1500;
/** Pieces asked of one seeder ahead of time. */
const WINDOW = 4;
const PIECE = WINDOW_BYTES / WINDOW;
/** What peers must bring in the time of a deadline. */
const PIECES_A_DEADLINE = DEADLINE_BYTES / PIECE;

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

  open() {
    this.opened = true;
    this.events.open();
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
    this.events.data(piece, 0, bytes.subarray(0, half));
    this.events.data(piece, half, bytes.subarray(half));
    await flush();
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
    const length = Math.min(PIECE, size - piece * PIECE);
    digests.set(
      Uint8Array.from({ length: 32 }, (_, at) => (at ? length >> at : piece + 1)),
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
function begin(t, { seeders = ["a"], deadline = DEADLINE, size = 10 * PIECE } = {}) {
  const clock = fakeClock(t);
  const bundle = largeBundle(size);
  const record = emptyRecord();
  const peers = [];
  const fallbacks = [];
  /** Runs that the server was asked for, each with what it can do. */
  const runs = [];
  const outcome = { resolved: 0, record: null, error: null };
  const done = download(
    bundle.pieces,
    seeders,
    deadline,
    {
      connect(seeder, first, events) {
        peers.push(new FakePeer(bundle, seeder, first, events));
        return peers.at(-1);
      },
      fetchRun: (run, signal, take) =>
        new Promise((resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
          async function give(piece, bytes = bundle.pieceOf(piece)) {
            await take(piece, bytes).catch(reject);
            await flush();
          }
          async function giveAll() {
            for (let piece = run[0]; piece < run[0] + run[1]; piece++) await give(piece);
            resolve();
            await flush();
          }
          runs.push({ run, signal, give, giveAll, resolve, reject });
        }),
    },
    record,
    (reason) => fallbacks.push(reason),
  ).then(
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
  return { ...bundle, clock, record, peers, fallbacks, runs, outcome, done, giveRest };
}

/** The whole bundle is there, and the record said who brought it, at the moment of resolving and ever after. */
function assertComplete({ bytes, pieces, outcome, record, size }) {
  assert.equal(outcome.error, null);
  assert.equal(outcome.resolved, 1);
  assert.deepEqual(outcome.record, record);
  assert.ok(Buffer.concat(pieces.parts()).equals(bytes));
  assert.equal(record.bytesFromPeers + record.bytesFromServer, size);
  const uploaded = record.uploads.reduce((sum, upload) => sum + upload.bytes, 0);
  assert.equal(uploaded, record.bytesFromPeers);
}

test("ranges are the runs of ascending numbers", () => {
  assert.deepEqual(toRanges([]), []);
  assert.deepEqual(toRanges([5]), [[5, 1]]);
  assert.deepEqual(toRanges([0, 1, 2, 4, 6, 7]), [
    [0, 3],
    [4, 1],
    [6, 2],
  ]);
});

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
  assertComplete(d);
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
  c.open();
  assert.deepEqual(c.requests, [[1, 1]]);
  await c.send(1);
  await a.send(0);
  await d.done;
  assertComplete(d);
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
  assertComplete(d);
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
  assertComplete(d);
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
  assertComplete(d);
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
  assertComplete(d);
  assert.deepEqual(d.record.uploads[0], { seeder: "a", bytes: PIECE, milliseconds: 0, failure: "corrupt" });
});

test("a seeder whose parts do not fit together is ended", async (t) => {
  const d = begin(t, { seeders: ["a", "b"] });
  const [a] = d.peers;
  a.open();
  a.events.data(0, 50, d.pieceOf(0).subarray(50));
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
  assertComplete(d);
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
  await d.clock.advance(10 * DEADLINE);
  assert.equal(d.runs.length, 1);
  assert.equal(d.fallbacks.length, 1);
  await d.runs[0].giveAll();
  await d.done;
  assertComplete(d);
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
  assertComplete(d);
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

test("pieces put the deadline off by as much as they bring", async (t) => {
  const d = begin(t, { size: 20 * PIECE });
  const [a] = d.peers;
  a.open();
  await d.clock.advance(DEADLINE - 100);
  await a.send(0);
  await d.clock.advance(100 + DEADLINE / PIECES_A_DEADLINE - 1);
  assert.deepEqual(d.fallbacks, []);
  await d.clock.advance(1);
  assert.deepEqual(d.fallbacks, ["stalled"]);
});

test("peers that are quick enough are left alone", async (t) => {
  const d = begin(t, { size: 20 * PIECE });
  const [a] = d.peers;
  a.open();
  for (let piece = 0; piece < 20; piece++) {
    await d.clock.advance(DEADLINE / PIECES_A_DEADLINE);
    await a.send(piece);
  }
  await d.done;
  assert.deepEqual(d.fallbacks, []);
});

test("peers that trickle are helped: many slow pieces are as late as one that does not come", async (t) => {
  const d = begin(t, { size: 40 * PIECE });
  const [a] = d.peers;
  a.open();
  for (let piece = 0; piece < 40 && !d.runs.length; piece++) {
    await d.clock.advance(0.9 * DEADLINE);
    await a.send(piece);
  }
  assert.deepEqual(d.fallbacks, ["stalled"]);
  assert.ok(d.clock.now() < 2 * DEADLINE);
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
  assertComplete(d);
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
  assertComplete(d);
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
  await d.runs[0].give(0);
  const [a] = d.peers;
  a.open();
  await a.sendAll();
  await d.done;
  assertComplete(d);
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
  await d.runs[0].giveAll();
  await d.done;
  assertComplete(d);
});

test("all seeders lost after the server was asked: it is not asked again, and brings the rest", async (t) => {
  const d = begin(t, { seeders: ["a", "b"] });
  await d.clock.advance(DEADLINE);
  for (const peer of d.peers) peer.end("lost");
  assert.equal(d.runs.length, 1);
  assert.deepEqual(d.fallbacks, ["deadline"]);
  await d.giveRest();
  await d.done;
  assertComplete(d);
});

test("at the end an idle seeder takes over the last piece of a busy one, which is told", async (t) => {
  const d = begin(t, { seeders: ["slow", "quick"], size: 8 * PIECE });
  const [slow, quick] = d.peers;
  slow.open();
  quick.open();
  for (const piece of [4, 5, 6, 7]) await quick.send(piece);
  assert.deepEqual(quick.requests, [[3, 1]]);
  assert.deepEqual(slow.cancelled, [[3, 1]]);
  await quick.sendAll();
  await d.done;
  assertComplete(d);
  assert.deepEqual(slow.cancelled, [
    [3, 1],
    [2, 1],
    [1, 1],
    [0, 1],
  ]);
  assert.equal(slow.ended, "done");
  assert.equal(d.record.uploads[0].failure, null, "to be slow is no failure");
});

test("a seeder that is asked for something still does not steal", async (t) => {
  const d = begin(t, { seeders: ["slow", "quick"], size: 8 * PIECE });
  for (const peer of d.peers) peer.open();
  for (const piece of [4, 5, 6]) await d.peers[1].send(piece);
  assert.deepEqual(d.peers[0].cancelled, []);
});

test("a stolen piece whose thief is lost goes back", async (t) => {
  const d = begin(t, { seeders: ["slow", "thief"], size: 2 * PIECE });
  const [slow, thief] = d.peers;
  slow.open();
  thief.open();
  await thief.send(1);
  assert.deepEqual(slow.cancelled, [[0, 1]]);
  thief.end("lost");
  assert.deepEqual(slow.requests, [[0, 1]]);
  await slow.send(0);
  await d.done;
  assertComplete(d);
});

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
  assertComplete(d);
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
  assertComplete(d);
  assert.deepEqual(d.record.uploads, [
    { seeder: "a", bytes: 2 * PIECE, milliseconds: 350, failure: null },
    { seeder: "b", bytes: 2 * PIECE, milliseconds: 150, failure: null },
    { seeder: "idle", bytes: 0, milliseconds: 0, failure: null },
  ]);
});

test("whatever seeders and server do, the bundle comes together right, or the server failed", async (t) => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = createRandom(seed);
    const seeders = ["a", "b", "c"].slice(0, 1 + random.integer(3));
    const d = begin(t, { seeders, size: 1 + random.integer(15 * PIECE), seed });
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
      else if (chance < 0.4 && d.runs.length) {
        const run = d.runs.at(-1);
        const next = given.get(run) ?? 0;
        given.set(run, next + 1);
        if (serverBreaks && random.next() < 0.2) run.reject(new Error("503"));
        else if (next < run.run[1]) await run.give(run.run[0] + next);
        else run.resolve();
        await flush();
      } else if (!peer.opened) peer.open();
      else if (!peer.ended && at < peer.asked.length) {
        places.set(peer, at + 1);
        if (d.peers.indexOf(peer) === liar && random.next() < 0.3) await peer.sendWrong(peer.asked[at]);
        else await peer.send(peer.asked[at]);
      } else await d.clock.advance(10);
    }
    // Whoever is silent now leaves it to the deadline and the server.
    await d.clock.advance(DEADLINE);
    while (!d.outcome.resolved && !d.outcome.error) await d.runs.at(-1).giveAll();
    assert.ok(
      d.peers.every(({ ended }) => ended),
      `seed ${seed}: a seeder is left behind`,
    );
    if (d.outcome.error) assert.ok(serverBreaks, `seed ${seed}: ${d.outcome.error}`);
    else assertComplete(d);
  }
});
