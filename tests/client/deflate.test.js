import assert from "node:assert/strict";
import test from "node:test";
import { gunzipSync } from "node:zlib";
import { createPacker } from "../../viraljs/client/deflate.js";
import { asMessage, createRandom, patch, until } from "./support.js";

const PIECE = 50_000;
const SAMPLE_BYTES = 16_384;
const KEPT_BYTES = 16_777_216;

const textOf = (length, piece = 0) => Buffer.from(`piece ${piece}; `.repeat(length)).subarray(0, length);

/** A packer whose pieces the test makes; counts what is read and what is compressed. */
function begin(t, pieceOf) {
  const counts = { reads: [], streams: 0 };
  class Counted extends CompressionStream {
    constructor(format) {
      super(format);
      counts.streams++;
    }
  }
  patch(t, { self: { CompressionStream: Counted }, CompressionStream: Counted });
  const packer = createPacker(async (piece) => {
    counts.reads.push(piece);
    return asMessage(pieceOf(piece));
  });
  return { counts, packer };
}

/** In place of the browser's gzip: as quick as a copy, and makes half of everything. */
class Halving extends TransformStream {
  static made = 0;

  constructor() {
    super({ transform: (chunk, controller) => controller.enqueue(chunk.slice(0, chunk.length >> 1)) });
    Halving.made++;
  }
}

test("what can be compressed is, as gzip that gives the piece back", async (t) => {
  const { packer } = begin(t, (piece) => textOf(PIECE, piece));
  const { bytes, packed } = await packer(3, true);
  assert.equal(packed, true);
  assert.ok(bytes.length < PIECE / 10);
  assert.deepEqual(gunzipSync(bytes), textOf(PIECE, 3));
});

test("pieces larger than what is compressed at a time come back whole, and tiny ones too", async (t) => {
  for (const length of [200, 65_536, 65_537, 300_000]) {
    const { packer } = begin(t, () => textOf(length));
    assert.deepEqual(gunzipSync((await packer(0, true)).bytes), textOf(length));
  }
});

test("what does not get smaller goes as it is, and no time is spent on more than its start", async (t) => {
  const random = createRandom(30);
  const noise = random.bytes(PIECE);
  const { counts, packer } = begin(t, () => noise);
  const recipients = 3;
  for (let recipient = 0; recipient < recipients; recipient++) {
    const { bytes, packed } = await packer(0, true);
    assert.equal(packed, false);
    assert.deepEqual(bytes, noise);
  }
  assert.ok(counts.streams <= recipients, `${counts.streams} compressions`);
});

test("a start that can be compressed does not speak for a rest that can't", async (t) => {
  const mixed = Buffer.concat([textOf(SAMPLE_BYTES), createRandom(31).bytes(10 * SAMPLE_BYTES)]);
  const { packer } = begin(t, () => mixed);
  const { bytes, packed } = await packer(0, true);
  assert.equal(packed, false);
  assert.deepEqual(Buffer.from(bytes), mixed);
});

test("who does not understand gzip gets the piece as it is, and nothing is compressed for it", async (t) => {
  const { counts, packer } = begin(t, () => textOf(PIECE));
  const { bytes, packed } = await packer(0, false);
  assert.equal(packed, false);
  assert.deepEqual(Buffer.from(bytes), textOf(PIECE));
  assert.equal(counts.streams, 0);
});

test("a browser that can't compress gives it as it is", async (t) => {
  const { packer } = begin(t, () => textOf(PIECE));
  self.CompressionStream = undefined;
  assert.equal((await packer(0, true)).packed, false);
});

test("recipients that want a piece at the same time, or later, share one compression", async (t) => {
  const { counts, packer } = begin(t, () => textOf(PIECE));
  const all = await Promise.all([packer(0, true), packer(0, true), packer(0, true)]);
  all.push(await packer(0, true));
  assert.equal(new Set(all.map(({ bytes }) => bytes)).size, 1);
  assert.equal(counts.streams, 2, "one for the start, one for the whole");
  assert.deepEqual(counts.reads, [0]);
});

test("a piece that can't be read is an error, not a silence", async (t) => {
  const { packer } = begin(t, () => {
    throw new DOMException("gone", "NotReadableError");
  });
  await assert.rejects(packer(0, true), { name: "NotReadableError" });
  await assert.rejects(packer(0, false), { name: "NotReadableError" });
});

/** Pieces of which each takes a quarter of what may be kept. */
function beginLarge(t) {
  const size = KEPT_BYTES / 2;
  const b = begin(t, () => new Uint8Array(size));
  self.CompressionStream = globalThis.CompressionStream = Halving;
  /** Whether a piece has to be compressed again. */
  async function isKept(piece) {
    const before = Halving.made;
    await b.packer(piece, true);
    return Halving.made === before;
  }
  return { ...b, isKept };
}

test("what is kept stays within its budget: the longest kept goes first", async (t) => {
  const { isKept, packer } = beginLarge(t);
  for (let piece = 0; piece < 4; piece++) await packer(piece, true);
  assert.equal(await isKept(0), true, "four of them are the budget");
  await packer(4, true);
  for (const piece of [1, 2, 3, 4]) assert.equal(await isKept(piece), true, `piece ${piece}`);
  assert.equal(await isKept(0), false);
  assert.equal(await isKept(1), false, "and its return has cost the next one its place");
  assert.equal(await isKept(4), true);
});

test("many that are wanted at once come all, whatever there is room for", async (t) => {
  const { isKept, packer } = beginLarge(t);
  let come = 0;
  for (let piece = 0; piece < 7; piece++) {
    packer(piece, true).then(() => {
      come++;
    });
  }
  await until(() => come === 7);
  const kept = [];
  // The last ones first: to look is to want, which moves the others out.
  for (let piece = 6; piece >= 0; piece--) kept.push(await isKept(piece));
  assert.ok(kept.filter(Boolean).length <= 4, `${kept}`);
});

test("one that takes long does not hold up those that put it out of its place", async (t) => {
  const size = KEPT_BYTES / 2;
  let release = () => {};
  const held = new Promise((resolve) => {
    release = resolve;
  });
  const { packer } = begin(t, () => new Uint8Array(size));
  let streams = 0;
  class Slow extends TransformStream {
    constructor() {
      const slow = streams++ === 0;
      super({
        async transform(chunk, controller) {
          if (slow) await held;
          controller.enqueue(chunk.slice(0, chunk.length >> 1));
        },
      });
    }
  }
  self.CompressionStream = globalThis.CompressionStream = Slow;
  const come = new Set();
  for (let piece = 0; piece < 6; piece++) packer(piece, true).then(() => come.add(piece));
  await until(() => come.size >= 4);
  release();
  await until(() => come.size === 6);
});
