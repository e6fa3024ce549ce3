import assert from "node:assert/strict";
import { once } from "node:events";
import test from "node:test";
import { upload } from "../../viraljs/client/upload.js";
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
import { asMessage, blobOf, createRandom, FakeChannel, fakeClock, flush, makeBytes } from "./support.js";

const HIGH_WATER_BYTES = 1048576;
const MESSAGE_BYTES = 65536;
const HEADER_BYTES = 12;

/** Serve a fake channel; what was sent is read as frames. */
function serve({ first = [], blob, open = true, ...measures } = {}) {
  const bundle = makeBytes(measures);
  const channel = new FakeChannel();
  const bytes = blob ?? blobOf(bundle.bytes);
  upload(channel, bundle, bytes, first);
  if (open) channel.open();
  const frames = () => channel.sent.map(decode);
  return {
    ...bundle,
    blob: bytes,
    channel,
    frames,
    say: async (...words) => {
      channel.receive(asMessage(encode(...words)));
      await flush();
    },
    /** The pieces that were sent whole, in order, put together from their parts. */
    received() {
      const whole = [];
      for (const { type, words, bytes } of frames()) {
        if (type !== DATA) continue;
        const [piece, offset] = words;
        if (offset === 0) whole.push({ piece, bytes: Buffer.from(bytes) });
        else {
          const last = whole.at(-1);
          assert.deepEqual([last.piece, last.bytes.length], [piece, offset], "parts come in order");
          last.bytes = Buffer.concat([last.bytes, bytes]);
        }
      }
      return whole;
    },
    numbers: () => frames().flatMap(({ type, words }) => (type === DATA && words[1] === 0 ? [words[0]] : [])),
  };
}

test("the first thing that a seeder says is hello, with its version", async () => {
  const u = serve({ first: [[0, 10]] });
  await flush();
  const [hello] = u.frames();
  assert.deepEqual([hello.type, ...hello.words], [HELLO, VERSION]);
});

test("what rode in the offer is sent as soon as the channel opens, and not before", async () => {
  const u = serve({
    first: [
      [0, 2],
      [5, 1],
    ],
    open: false,
  });
  await flush();
  assert.equal(u.channel.sent.length, 0);
  u.channel.open();
  await flush();
  assert.deepEqual(u.numbers(), [0, 1, 5]);
});

test("the asked pieces arrive whole and right, the short last one too", async () => {
  const u = serve({ size: 1050, first: [[0, 11]] });
  await flush();
  assert.deepEqual(
    u.received().map(({ piece }) => piece),
    [...Array(11).keys()],
  );
  for (const { piece, bytes } of u.received()) assert.deepEqual(bytes, Buffer.from(u.pieceOf(piece)));
});

test("a large piece goes in messages of 64 KiB, in order", async () => {
  const u = serve({ size: 200_000, pieceLength: 150_000, first: [[0, 2]] });
  await flush();
  const parts = u.frames().slice(1);
  assert.deepEqual(
    parts.map(({ words, bytes }) => [...words, bytes.length]),
    [
      [0, 0, 65536],
      [0, 65536, 65536],
      [0, 131072, 18928],
      [1, 0, 50000],
    ],
  );
  for (const { piece, bytes } of u.received()) assert.ok(bytes.equals(Buffer.from(u.pieceOf(piece))));
});

test("requests are served in the order in which they come", async () => {
  const u = serve();
  await u.say(REQUEST, 7, 2, 3, 1);
  await u.say(REQUEST, 0, 1);
  assert.deepEqual(u.numbers(), [7, 8, 3, 0]);
});

test("a piece that is asked for twice before it is sent is sent once; after it, again", async () => {
  const u = serve();
  await u.say(REQUEST, 1, 2, 1, 2);
  assert.deepEqual(u.numbers(), [1, 2]);
  await u.say(REQUEST, 1, 1);
  assert.deepEqual(u.numbers(), [1, 2, 1]);
});

test("the buffer of the channel never holds more than its high water and one message", async () => {
  const u = serve({ size: 4_000_000, pieceLength: 262_144, first: [[0, 16]] });
  await flush();
  const limit = HIGH_WATER_BYTES + MESSAGE_BYTES + HEADER_BYTES;
  assert.ok(u.channel.bufferedAmount >= HIGH_WATER_BYTES, "it is filled");
  assert.ok(u.channel.mostBuffered <= limit, `${u.channel.mostBuffered} bytes`);
  const before = u.channel.sent.length;
  await flush();
  assert.equal(u.channel.sent.length, before, "nothing moves until it drains");

  const random = createRandom(13);
  while (u.received().length < 16 || u.channel.bufferedAmount) {
    u.channel.drain(1 + random.integer(HIGH_WATER_BYTES));
    await flush();
  }
  assert.ok(u.channel.mostBuffered <= limit, `${u.channel.mostBuffered} bytes`);
  assert.deepEqual(Buffer.concat(u.received().map(({ bytes }) => bytes)), Buffer.from(u.bytes));
});

test("a drain that stays above the low water does not wake it; one below does", async () => {
  const u = serve({ size: 4_000_000, pieceLength: 262_144, first: [[0, 16]] });
  await flush();
  const before = u.channel.sent.length;
  u.channel.drain(HIGH_WATER_BYTES / 2);
  await flush();
  assert.equal(u.channel.sent.length, before);
  u.channel.drain();
  await flush();
  assert.ok(u.channel.sent.length > before);
});

test("pieces are read when they are sent, not when they are asked for", async () => {
  const u = serve({ size: 4_000_000, pieceLength: 262_144, first: [[0, 16]] });
  await flush();
  assert.ok(u.blob.reads <= 5, `${u.blob.reads} pieces read for one buffer`);
});

test("cancelled pieces are not sent, the one that is half sent included", async () => {
  const u = serve({ size: 4_000_000, pieceLength: 2_000_000, first: [[0, 2]] });
  await flush();
  const [, ...parts] = u.frames();
  assert.ok(parts.every(({ words }) => words[0] === 0));
  await u.say(CANCEL, 0, 2);
  u.channel.drain();
  await flush();
  // One message had been waiting for room.
  assert.ok(u.channel.sent.length <= parts.length + 2);
  assert.equal(u.channel.readyState, "open");
  u.channel.drain();
  await u.say(REQUEST, 1, 1);
  assert.equal(u.frames().at(-1).words[0], 1, "and what is asked next comes");
});

test("a piece that is cancelled and asked for again arrives whole", async () => {
  const u = serve({ size: 2_000_000, pieceLength: 1_500_000, first: [[0, 1]] });
  await flush();
  await u.say(CANCEL, 0, 1);
  await u.say(REQUEST, 1, 1);
  await u.say(REQUEST, 0, 1);
  for (let round = 0; round < 5; round++) {
    u.channel.drain();
    await flush();
  }
  const whole = u.received().filter(({ piece, bytes }) => bytes.length === u.pieceOf(piece).length);
  assert.deepEqual(whole.map(({ piece }) => piece).sort(), [0, 1]);
});

test("pieces that the bundle does not have are ignored", async () => {
  const u = serve({ size: 1050, first: [[20, 5]] });
  const largest = 2 ** 32 - 1;
  await u.say(REQUEST, 11, 1, largest, largest, 10, largest, 0, 0);
  assert.deepEqual(u.numbers(), [10]);
  await u.say(CANCEL, 5, largest);
  assert.equal(u.channel.readyState, "open");
});

test("a message that is not of the protocol closes the channel", async () => {
  const strangers = [
    "text",
    new ArrayBuffer(0),
    new ArrayBuffer(7),
    asMessage(encode(REQUEST, 1)),
    asMessage(encode(9, 1, 2)),
  ];
  for (const stranger of strangers) {
    const u = serve();
    u.channel.receive(stranger);
    assert.equal(u.channel.readyState, "closed");
  }
});

test("a recipient that speaks as a seeder is cut off", () => {
  for (const frame of [encode(HELLO, VERSION), encode(REFUSE, GONE), encodeData(0, 0, Uint8Array.of(1))]) {
    const u = serve();
    u.channel.receive(asMessage(frame));
    assert.equal(u.channel.readyState, "closed");
  }
});

test("a blob that can't be read is a refusal, not a silence", async (t) => {
  t.mock.method(console, "debug", () => {});
  const u = serve({
    first: [[0, 2]],
    blob: { slice: () => ({ arrayBuffer: () => Promise.reject(new DOMException("gone", "NotReadableError")) }) },
  });
  await flush();
  const [, refusal, ...more] = u.frames();
  assert.deepEqual([refusal.type, ...refusal.words], [REFUSE, GONE]);
  assert.deepEqual(more, []);
});

test("a channel that closes while it is full ends the sending quietly", async () => {
  const u = serve({ size: 4_000_000, pieceLength: 262_144, first: [[0, 16]] });
  await flush();
  const before = u.channel.sent.length;
  u.channel.close();
  await flush();
  assert.equal(u.channel.sent.length, before);
});

test("a real Blob is served too", async () => {
  const bundle = makeBytes({ size: 1050 });
  const u = serve({ size: 1050, blob: new Blob([bundle.bytes]), first: [[0, 11]] });
  while (u.received().length < 11) await once(u.channel, "sent");
  assert.deepEqual(Buffer.concat(u.received().map(({ bytes }) => bytes)), Buffer.from(bundle.bytes));
});

test("any requests and cancellations send only right pieces, each asked for, and never throw", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = createRandom(seed);
    const u = serve({ size: 1050, seed });
    const asked = new Set();
    for (let round = 0; round < 20; round++) {
      const [first, count] = [random.integer(14), random.integer(5)];
      const type = random.pick([REQUEST, REQUEST, CANCEL]);
      if (type === REQUEST) for (let piece = first; piece < first + count; piece++) asked.add(piece);
      u.channel.receive(asMessage(encode(type, first, count)));
      if (random.integer(2)) await flush();
    }
    await flush();
    for (const { piece, bytes } of u.received()) {
      assert.ok(asked.has(piece));
      assert.deepEqual(bytes, Buffer.from(u.pieceOf(piece)));
    }
  }
});

test("a recipient that wants nothing for half a minute is let go, and one that asks again is not", async (t) => {
  const clock = fakeClock(t);
  const u = serve({ size: 300_000, pieceLength: 65_536, first: [[0, 1]] });
  await flush();
  await clock.advance(29_999);
  await u.say(REQUEST, 1, 1);
  await clock.advance(29_999);
  assert.equal(u.channel.readyState, "open");
  await clock.advance(1);
  assert.notEqual(u.channel.readyState, "open");
});

test("more ranges than an offer may hold end the delivery", async () => {
  const u = serve();
  await u.say(REQUEST, ...Array(128).fill(0));
  assert.equal(u.channel.readyState, "open");
  await u.say(REQUEST, ...Array(130).fill(0));
  assert.notEqual(u.channel.readyState, "open");
});
