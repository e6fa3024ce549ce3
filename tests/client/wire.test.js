import assert from "node:assert/strict";
import test from "node:test";
import {
  CANCEL,
  DATA,
  decode,
  encode,
  encodeData,
  GONE,
  HELLO,
  REFUSE,
  REQUEST,
  VERSION,
} from "../../viraljs/client/wire.js";
import { asMessage, createRandom } from "./support.js";

const ROUNDS = 500;
const LONGEST_GARBAGE = 64;

/** @param {import("../../viraljs/client/wire.js").Frame} frame */
function assertWellFormed({ type, words, bytes }) {
  const counts = { [HELLO]: [1], [REFUSE]: [1], [DATA]: [2] };
  assert.ok([HELLO, REQUEST, DATA, REFUSE, CANCEL].includes(type), `type ${type}`);
  if (counts[type]) assert.ok(counts[type].includes(words.length), `${words.length} words`);
  else assert.ok(words.length >= 2 && words.length % 2 === 0, `${words.length} words`);
  for (const word of words) assert.ok(Number.isInteger(word) && word >= 0 && word < 2 ** 32);
  assert.equal(bytes.length > 0, type === DATA);
}

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

test("any requests and cancellations are read back as they were written", () => {
  const random = createRandom(1);
  for (let round = 0; round < ROUNDS; round++) {
    const words = Array.from({ length: 2 * (1 + random.integer(20)) }, random.word);
    const type = random.pick([REQUEST, CANCEL]);
    const frame = decode(asMessage(encode(type, ...words)));
    assert.equal(frame.type, type);
    assert.deepEqual(frame.words, words);
    assert.equal(frame.bytes.length, 0);
  }
});

test("any data is read back as it was written", () => {
  const random = createRandom(2);
  for (let round = 0; round < ROUNDS; round++) {
    const [piece, offset] = [random.word(), random.word()];
    const bytes = random.bytes(1 + random.integer(300));
    const frame = decode(asMessage(encodeData(piece, offset, bytes)));
    assert.equal(frame.type, DATA);
    assert.deepEqual(frame.words, [piece, offset]);
    assert.deepEqual(frame.bytes, bytes);
  }
});

test("data that is a view into a larger buffer brings only what it shows", () => {
  const frame = decode(asMessage(encodeData(1, 2, Uint8Array.of(7, 8, 9, 10).subarray(1, 3))));
  assert.deepEqual([...frame.bytes], [8, 9]);
});

test("data without bytes is no frame: it would bring a download no further", () => {
  assert.equal(decode(asMessage(encodeData(0, 0, new Uint8Array(0)))), null);
});

test("a request or cancellation of no or half a range is no frame", () => {
  for (const type of [REQUEST, CANCEL]) {
    assert.equal(decode(asMessage(encode(type))), null);
    assert.equal(decode(asMessage(encode(type, 1))), null);
    assert.equal(decode(asMessage(encode(type, 1, 2, 3))), null);
  }
});

test("a hello or refusal with more than its one word is no frame", () => {
  for (const type of [HELLO, REFUSE]) assert.equal(decode(asMessage(encode(type, 1, 2))), null);
});

test("unknown types are no frames", () => {
  for (const type of [0, CANCEL + 1, 255, 2 ** 32 - 1]) assert.equal(decode(asMessage(encode(type, 1, 2))), null);
});

test("what is not an ArrayBuffer is no frame", () => {
  const others = [null, undefined, "", "hello", 5, {}, [], new Uint8Array(12), new DataView(new ArrayBuffer(8))];
  for (const other of others) assert.equal(decode(other), null);
});

test("garbage of any length gives null or a well-formed frame, and never throws", () => {
  const random = createRandom(3);
  let frames = 0;
  for (let length = 0; length <= LONGEST_GARBAGE; length++) {
    for (let round = 0; round < 200; round++) {
      const garbage = random.bytes(length);
      // Half of it gets as far as a known type.
      if (round % 2 && length >= 4) garbage.set([random.integer(7), 0, 0, 0]);
      const frame = decode(garbage.buffer);
      if (!frame) continue;
      frames++;
      assertWellFormed(frame);
    }
  }
  assert.ok(frames > 100, "the generator makes frames too");
});

test("every prefix of a frame gives null or a well-formed frame", () => {
  for (const whole of [encode(HELLO, VERSION), encode(REQUEST, 0, 4, 9, 1), encodeData(3, 0, new Uint8Array(9))]) {
    const message = asMessage(whole);
    for (let length = 0; length < message.byteLength; length++) {
      const frame = decode(message.slice(0, length));
      if (frame) assertWellFormed(frame);
    }
  }
});
