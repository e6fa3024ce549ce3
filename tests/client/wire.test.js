import assert from "node:assert/strict";
import test from "node:test";
import {
  CANCEL,
  DATA,
  decode,
  encode,
  encodeData,
  GONE,
  HAVE,
  HELLO,
  PACKED,
  REFUSE,
  REQUEST,
  spanned,
  toRanges,
  VERSION,
} from "../../viraljs/client/wire.js";
import { asMessage, createRandom } from "./support.js";

const ROUNDS = 500;
const LONGEST_GARBAGE = 64;

/** How many words each type has behind itself; those of ranges have any even number. */
const COUNTS = { [HELLO]: 1, [REFUSE]: 1, [DATA]: 2, [PACKED]: 3 };
const OF_RANGES = [REQUEST, CANCEL, HAVE];
const OF_DATA = [DATA, PACKED];
const TYPES = [HELLO, REQUEST, DATA, REFUSE, CANCEL, HAVE, PACKED];

/** @param {import("../../viraljs/client/wire.js").Frame} frame */
function assertWellFormed({ type, words, bytes }) {
  assert.ok(TYPES.includes(type), `type ${type}`);
  if (OF_RANGES.includes(type)) assert.equal(words.length % 2, 0, `${words.length} words`);
  else assert.equal(words.length, COUNTS[type], `${words.length} words`);
  for (const word of words) assert.ok(Number.isInteger(word) && word >= 0 && word < 2 ** 32);
  assert.equal(bytes.length > 0, OF_DATA.includes(type));
}

test("each type has its number, which no version changes", () => {
  assert.deepEqual(TYPES, [1, 2, 3, 4, 5, 6, 7]);
  assert.equal(VERSION, 2);
});

test("a frame is its words, little-endian, and its bytes behind them", () => {
  assert.deepEqual([...new Uint8Array(asMessage(encode(HAVE, 1, 258)))], [6, 0, 0, 0, 1, 0, 0, 0, 2, 1, 0, 0]);
  const packed = encodeData([PACKED, 1, 2, 3], Uint8Array.of(9, 8));
  assert.deepEqual([...packed], [7, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 9, 8]);
});

test("a hello and a refusal are read back as they were written", () => {
  for (const frame of [
    [HELLO, VERSION],
    [REFUSE, GONE],
  ]) {
    const { type, words, bytes } = decode(asMessage(encode(...frame)));
    assert.deepEqual([type, ...words], frame);
    assert.equal(bytes.length, 0);
  }
});

test("any ranges are read back as they were written", () => {
  const random = createRandom(1);
  for (let round = 0; round < ROUNDS; round++) {
    const words = Array.from({ length: 2 * random.integer(20) }, random.word);
    const type = random.pick(OF_RANGES);
    const frame = decode(asMessage(encode(type, ...words)));
    assert.equal(frame.type, type);
    assert.deepEqual(frame.words, words);
    assert.equal(frame.bytes.length, 0);
  }
});

test("any data, packed or not, is read back as it was written", () => {
  const random = createRandom(2);
  for (let round = 0; round < ROUNDS; round++) {
    const type = random.pick(OF_DATA);
    const words = Array.from({ length: COUNTS[type] }, random.word);
    const bytes = random.bytes(1 + random.integer(300));
    const frame = decode(asMessage(encodeData([type, ...words], bytes)));
    assert.equal(frame.type, type);
    assert.deepEqual(frame.words, words);
    assert.deepEqual(frame.bytes, bytes);
  }
});

test("data that is a view into a larger buffer brings only what it shows", () => {
  const frame = decode(asMessage(encodeData([DATA, 1, 2], Uint8Array.of(7, 8, 9, 10).subarray(1, 3))));
  assert.deepEqual([...frame.bytes], [8, 9]);
});

test("data without bytes is no frame: it would bring a download no further", () => {
  for (const type of OF_DATA) {
    const words = Array(COUNTS[type]).fill(0);
    assert.equal(decode(asMessage(encodeData([type, ...words], new Uint8Array(0)))), null);
    assert.equal(decode(asMessage(encode(type, ...words.slice(1)))), null);
  }
});

test("no ranges are legal: somebody has nothing yet", () => {
  for (const type of OF_RANGES) assert.deepEqual(decode(asMessage(encode(type))).words, []);
});

test("half a range is no frame", () => {
  for (const type of OF_RANGES) {
    assert.equal(decode(asMessage(encode(type, 1))), null);
    assert.equal(decode(asMessage(encode(type, 1, 2, 3))), null);
  }
});

test("a hello or refusal with none or more than its one word is no frame", () => {
  for (const type of [HELLO, REFUSE]) {
    assert.equal(decode(asMessage(encode(type))), null);
    assert.equal(decode(asMessage(encode(type, 1, 2))), null);
  }
});

test("unknown types are no frames, whatever is behind them", () => {
  for (const type of [0, PACKED + 1, 255, 2 ** 32 - 1]) {
    for (const words of [[], [1], [1, 2], [1, 2, 3, 4]]) assert.equal(decode(asMessage(encode(type, ...words))), null);
  }
});

test("what is not an ArrayBuffer is no frame", () => {
  const others = [null, undefined, "", "hello", 5, {}, [], new Uint8Array(12), new DataView(new ArrayBuffer(8))];
  for (const other of others) assert.equal(decode(other), null);
});

test("words that are cut within are no frame; data may have bytes of any number", () => {
  const random = createRandom(4);
  for (const type of [...OF_RANGES, HELLO, REFUSE]) {
    const message = asMessage(encode(type, ...(COUNTS[type] ? [1] : [1, 2])));
    for (const cut of [1, 2, 3]) assert.equal(decode(message.slice(0, -cut)), null);
  }
  for (const type of OF_DATA) {
    const words = Array(COUNTS[type]).fill(1);
    for (let length = 1; length < 9; length++) {
      assert.equal(decode(asMessage(encodeData([type, ...words], random.bytes(length)))).bytes.length, length);
    }
  }
});

test("garbage of any length gives null or a well-formed frame, and never throws", () => {
  const random = createRandom(3);
  const seen = new Set();
  for (let length = 0; length <= LONGEST_GARBAGE; length++) {
    for (let round = 0; round < 200; round++) {
      const garbage = random.bytes(length);
      // Half of it gets as far as a known type.
      if (round % 2 && length >= 4) garbage.set([random.integer(9), 0, 0, 0]);
      const frame = decode(garbage.buffer);
      if (!frame) continue;
      seen.add(frame.type);
      assertWellFormed(frame);
    }
  }
  assert.deepEqual([...seen].sort(), TYPES, "the generator makes frames of every type too");
});

test("every prefix of a frame gives null or a well-formed frame", () => {
  const frames = [
    encode(HELLO, VERSION),
    encode(REQUEST, 0, 4, 9, 1),
    encodeData([DATA, 3, 0], new Uint8Array(9)),
    encodeData([PACKED, 3, 0, 9], new Uint8Array(9)),
  ];
  for (const whole of frames) {
    const message = asMessage(whole);
    for (let length = 0; length < message.byteLength; length++) {
      const frame = decode(message.slice(0, length));
      if (frame) assertWellFormed(frame);
    }
  }
});

test("ranges are the runs of pieces that follow each other, in the order given", () => {
  assert.deepEqual(toRanges([]), []);
  assert.deepEqual(toRanges([5]), [[5, 1]]);
  assert.deepEqual(toRanges([0, 1, 2, 4, 6, 7]), [
    [0, 3],
    [4, 1],
    [6, 2],
  ]);
  assert.deepEqual(toRanges([8, 9, 0, 1]), [
    [8, 2],
    [0, 2],
  ]);
});

test("what ranges span are the pieces that there are, and no others, however far they reach", () => {
  const largest = 2 ** 32 - 1;
  assert.deepEqual(spanned([], 10), []);
  assert.deepEqual(spanned([7, 2, 3, 1, 5, 0], 10), [7, 8, 3]);
  assert.deepEqual(spanned([8, 5, 10, 1, largest, largest], 10), [8, 9]);
  assert.deepEqual(spanned([0, largest], 3), [0, 1, 2]);
});

test("any pieces are spanned by their ranges", () => {
  const random = createRandom(5);
  for (let round = 0; round < ROUNDS; round++) {
    const pieces = Array.from({ length: random.integer(30) }, () => random.integer(40));
    assert.deepEqual(spanned(toRanges(pieces).flat(), 40), pieces);
  }
});
