import assert from "node:assert/strict";
import test from "node:test";
import { createAssembler } from "../../viraljs/client/pieces.js";
import { createRandom, makeBundle } from "./support.js";

/** Feed a piece in parts of `partLength` bytes; the last result. */
function feed(assemble, piece, bytes, partLength) {
  let result = null;
  for (let offset = 0; offset < bytes.length; offset += partLength) {
    result = assemble(piece, offset, bytes.subarray(offset, offset + partLength));
  }
  return result;
}

test("all pieces but the last are as long as the manifest says, the last is what is left", () => {
  const { pieces } = makeBundle({ size: 1050 });
  assert.equal(pieces.count, 11);
  assert.equal(pieces.lengthOf(0), 100);
  assert.equal(pieces.lengthOf(9), 100);
  assert.equal(pieces.lengthOf(10), 50);
});

test("a bundle of whole pieces has no short one", () => {
  const { pieces } = makeBundle({ size: 1000 });
  assert.equal(pieces.count, 10);
  assert.equal(pieces.lengthOf(9), 100);
});

test("right pieces are kept in any order, and joined they are the bundle", async () => {
  const { bytes, count, pieceOf, pieces } = makeBundle({ size: 1050 });
  for (let piece = count - 1; piece >= 0; piece--) {
    assert.equal(pieces.has(piece), false);
    assert.equal(await pieces.verify(piece, pieceOf(piece)), true);
    assert.equal(pieces.has(piece), true);
    assert.equal(pieces.missing(), piece);
  }
  const blob = pieces.join("text/javascript");
  assert.equal(blob.type, "text/javascript");
  assert.deepEqual(Buffer.from(await blob.arrayBuffer()), Buffer.from(bytes));
});

test("a piece with a wrong byte, a wrong length or in the wrong place is not kept", async () => {
  const { pieceOf, pieces } = makeBundle();
  const flipped = pieceOf(0);
  flipped[50] ^= 1;
  for (const wrong of [flipped, pieceOf(0).subarray(1), pieceOf(1), new Uint8Array(0)]) {
    assert.equal(await pieces.verify(0, wrong), false);
  }
  assert.equal(pieces.has(0), false);
  assert.equal(pieces.missing(), 10);
});

test("no single flipped bit gets through", async () => {
  const { pieceOf, pieces } = makeBundle({ size: 20, pieceLength: 10 });
  for (let bit = 0; bit < 80; bit++) {
    const flipped = pieceOf(1);
    flipped[bit >> 3] ^= 1 << (bit & 7);
    assert.equal(await pieces.verify(1, flipped), false);
  }
});

test("a duplicate is told from a new piece, and from a wrong one, and replaces nothing", async () => {
  const { pieceOf, pieces } = makeBundle();
  assert.equal(await pieces.verify(3, pieceOf(3)), true);
  assert.equal(await pieces.verify(3, pieceOf(3)), null);
  assert.equal(await pieces.verify(3, pieceOf(4)), false);
  assert.deepEqual(new Uint8Array(await pieces.read(3)), pieceOf(3));
  assert.equal(pieces.missing(), 9);
});

test("a verified piece can be read, before the bundle is joined and after", async () => {
  const { count, pieceOf, pieces } = makeBundle({ size: 1050 });
  for (let piece = 0; piece < count; piece++) await pieces.verify(piece, pieceOf(piece));
  for (let round = 0; round < 2; round++) {
    for (let piece = 0; piece < count; piece++) {
      assert.deepEqual(new Uint8Array(await pieces.read(piece)), pieceOf(piece));
      assert.equal(pieces.has(piece), true);
    }
    pieces.join("text/javascript");
  }
});

test("all who watch are told of each new piece, once, when it can be read", async () => {
  const { pieceOf, pieces } = makeBundle();
  const told = [];
  for (const name of ["one", "other"]) pieces.watch((piece) => told.push([name, piece, pieces.has(piece)]));
  await pieces.verify(3, pieceOf(4));
  assert.deepEqual(told, []);
  await pieces.verify(3, pieceOf(3));
  await pieces.verify(3, pieceOf(3));
  assert.deepEqual(told, [
    ["one", 3, true],
    ["other", 3, true],
  ]);
});

test("two copies of a piece that are hashed at the same time count once", async () => {
  const { pieceOf, pieces } = makeBundle();
  const results = await Promise.all([pieces.verify(3, pieceOf(3)), pieces.verify(3, pieceOf(3))]);
  assert.deepEqual(results, [true, null]);
  assert.equal(pieces.missing(), 9);
});

test("a number past the last piece verifies nothing, whatever the bytes", async () => {
  const { pieceOf, pieces } = makeBundle();
  for (const piece of [10, 11, 2 ** 32 - 1]) assert.equal(await pieces.verify(piece, pieceOf(0)), false);
  assert.equal(pieces.missing(), 10);
});

test("an assembler makes pieces of parts of any length, in any order of pieces", () => {
  const { count, pieceOf, pieces } = makeBundle({ size: 1050 });
  const random = createRandom(7);
  const assemble = createAssembler(pieces);
  for (let round = 0; round < 100; round++) {
    const piece = random.integer(count);
    assert.deepEqual(feed(assemble, piece, pieceOf(piece), 1 + random.integer(120)), pieceOf(piece));
  }
});

test("an assembler says null until a piece is whole", () => {
  const { pieceOf, pieces } = makeBundle();
  const assemble = createAssembler(pieces);
  assert.equal(assemble(0, 0, pieceOf(0).subarray(0, 60)), null);
  assert.equal(assemble(0, 60, pieceOf(0).subarray(60, 99)), null);
  assert.deepEqual(assemble(0, 99, pieceOf(0).subarray(99)), pieceOf(0));
});

test("a piece that another one begins before its end is dropped, and can be begun anew", () => {
  const { pieceOf, pieces } = makeBundle();
  const assemble = createAssembler(pieces);
  assert.equal(assemble(0, 0, pieceOf(0).subarray(0, 60)), null);
  assert.deepEqual(assemble(1, 0, pieceOf(1)), pieceOf(1));
  assert.equal(assemble(0, 60, pieceOf(0).subarray(60)), undefined);
  assert.deepEqual(feed(assemble, 0, pieceOf(0), 60), pieceOf(0));
});

test("a piece that begins anew forgets its first beginning", () => {
  const { pieceOf, pieces } = makeBundle();
  const assemble = createAssembler(pieces);
  assert.equal(assemble(0, 0, pieceOf(1).subarray(0, 60)), null);
  assert.deepEqual(feed(assemble, 0, pieceOf(0), 60), pieceOf(0));
});

test("parts that can't be right are refused", () => {
  const { pieceOf, pieces } = makeBundle({ size: 1050 });
  const claims = {
    "not the beginning": [[0, 50, 10]],
    "a gap": [
      [0, 0, 50],
      [0, 60, 40],
    ],
    "an overlap": [
      [0, 0, 50],
      [0, 40, 10],
    ],
    "a part of another piece": [
      [0, 0, 50],
      [1, 50, 50],
    ],
    "more than a piece": [[0, 0, 101]],
    "more than is left of a piece": [
      [0, 0, 50],
      [0, 50, 51],
    ],
    "more than the short last piece": [[10, 0, 51]],
    "a piece that is not there": [[11, 0, 10]],
    "an offset beyond all": [[0, 2 ** 32 - 1, 1]],
    "a piece beyond all": [[2 ** 32 - 1, 0, 1]],
    "a part after the whole": [
      [0, 0, 100],
      [0, 100, 1],
    ],
  };
  for (const [claim, parts] of Object.entries(claims)) {
    const assemble = createAssembler(pieces);
    const results = parts.map(([piece, offset, length]) => assemble(piece, offset, new Uint8Array(length)));
    assert.equal(results.at(-1), undefined, claim);
  }
  assert.deepEqual(feed(createAssembler(pieces), 10, pieceOf(10), 50), pieceOf(10));
});

test("a packed piece is as long as its sender says, and never longer than the piece", () => {
  const { pieces } = makeBundle({ size: 1050 });
  const part = new Uint8Array(20);
  const assemble = createAssembler(pieces);
  assert.equal(assemble(3, 0, part, 30), null);
  assert.equal(assemble(3, 20, part.subarray(0, 10), 30).length, 30);
  assert.equal(assemble(3, 0, part, 100), null);
  const claims = {
    "more than a piece": [[3, 0, 20, 101]],
    "more than the short last piece": [[10, 0, 20, 51]],
    "more than it said": [
      [3, 0, 20, 30],
      [3, 20, 11, 30],
    ],
    nothing: [[3, 0, 1, 0]],
    "more than there is": [[3, 0, 20, 2 ** 32 - 1]],
    "a piece that is not there": [[11, 0, 1, 1]],
  };
  for (const [claim, parts] of Object.entries(claims)) {
    const fresh = createAssembler(pieces);
    const results = parts.map(([piece, offset, length, total]) => fresh(piece, offset, new Uint8Array(length), total));
    assert.equal(results.at(-1), undefined, claim);
  }
});

test("what an assembler gives is its own copy: a later part can't change a piece that was checked", () => {
  const { pieceOf, pieces } = makeBundle();
  const assemble = createAssembler(pieces);
  const part = pieceOf(0);
  const whole = assemble(0, 0, part);
  part.fill(0);
  assemble(0, 0, new Uint8Array(50));
  assert.deepEqual(whole, pieceOf(0));
});

test("random parts never make an assembler throw, nor give a piece of the wrong length", () => {
  const { pieces } = makeBundle({ size: 1050 });
  const random = createRandom(8);
  const assemble = createAssembler(pieces);
  for (let round = 0; round < 5000; round++) {
    const piece = random.integer(13);
    const whole = assemble(piece, random.pick([0, 0, 50, 60, random.integer(120)]), random.bytes(random.integer(110)));
    if (whole) assert.equal(whole.length, pieces.lengthOf(piece));
  }
});
