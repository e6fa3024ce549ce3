import assert from "node:assert/strict";
import test, { after } from "node:test";
import { createLimit } from "../../viraljs/client/limit.js";
import { heldBy, upload } from "../../viraljs/client/upload.js";
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
  VERSION,
} from "../../viraljs/client/wire.js";
import { asMessage, createRandom, FakeChannel, fakeClock, flush, makeBytes, storeOf, wordsOf } from "./support.js";

const HIGH_WATER_BYTES = 1048576;
const MESSAGE_BYTES = 65536;
const HEADER_BYTES = 12;
const IDLE_MS = 30_000;

// Who wants nothing is let go in time. Nothing here waits for that.
fakeClock({ after });

/** In place of gzip, whose thread no test could wait for without time: the first half of a piece. */
const halve = (bytes) => bytes.subarray(0, bytes.length >> 1);

/**
 * Serve a fake channel; what was sent is read as frames.
 *
 * @param {object} how
 * @param {import("../../viraljs/client/types.js").Range[]} [how.first] what rode in the offer
 * @param {boolean} [how.offered] whether the other side made the offer
 * @param {number[]} [how.held] the pieces that are there, if not all
 */
function serve({ first = [], offered = true, held, open = true, protocol = "", ...how } = {}) {
  const { limit = createLimit(), trades = false, isAllowed = () => true, ...more } = how;
  const bundle = makeBytes(more);
  const channel = Object.assign(new FakeChannel(), { protocol });
  const store = Object.assign(storeOf(bundle, held), more.store);
  async function pack(piece, packed) {
    const bytes = new Uint8Array(await store.read(piece));
    return { bytes: packed ? halve(bytes) : bytes, packed };
  }
  upload(channel, { store, pack, limit, trades, isAllowed }, offered ? first : undefined);
  const knock = () => channel.receive(asMessage(encode(HAVE)));
  if (open) channel.open();
  if (open && offered) knock();
  const frames = () => channel.sent.map(decode);
  return {
    ...bundle,
    channel,
    frames,
    store,
    /** What it sent of data, in order. */
    data: () => frames().filter(({ type }) => type === DATA || type === PACKED),
    /** What else it said. */
    said: () => wordsOf(channel.sent).filter(([type]) => type !== DATA && type !== PACKED),
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

test("the side that answered the offer says hello first, with its version, then what it has, then gives", async () => {
  const u = serve({ first: [[0, 2]] });
  await flush();
  assert.deepEqual(wordsOf(u.channel.sent), [
    [HELLO, VERSION],
    [HAVE, 0, 10],
    [DATA, 0, 0],
    [DATA, 1, 0],
  ]);
});

test("an offer without ranges is answered with a hello, too", () => {
  assert.deepEqual(serve({ first: [] }).said(), [
    [HELLO, VERSION],
    [HAVE, 0, 10],
  ]);
});

test("nothing is said to who made the offer before it has knocked, and all of it once", () => {
  const { channel, said, store } = serve({ held: [1, 2], open: false });
  channel.open();
  store.gain(5);
  assert.deepEqual(said(), []);
  for (let time = 0; time < 2; time++) channel.receive(asMessage(encode(HAVE)));
  assert.deepEqual(said(), [
    [HELLO, VERSION],
    [HAVE, 1, 2, 5, 1],
  ]);
});

test("the side that made the offer does not say hello, only what it has", () => {
  assert.deepEqual(serve({ offered: false, held: [1, 2, 7] }).said(), [[HAVE, 1, 2, 7, 1]]);
});

test("who has nothing yet says so", () => {
  assert.deepEqual(serve({ held: [] }).said(), [[HELLO, VERSION], [HAVE]]);
});

test("on a channel that is open already it begins at once", () => {
  const channel = new FakeChannel();
  channel.open();
  const bundle = makeBytes();
  upload(channel, {
    store: storeOf(bundle),
    pack: async () => {},
    limit: createLimit(),
    trades: true,
    isAllowed: () => true,
  });
  channel.open();
  assert.deepEqual(wordsOf(channel.sent), [[HAVE, 0, 10]]);
});

test("what is held are the pieces that are there, ascending", () => {
  assert.deepEqual(heldBy(storeOf(makeBytes(), [7, 2])), [2, 7]);
});

test("each piece that comes is told of, in its turn; before the channel is open it is part of the opening", () => {
  const u = serve({ held: [1], open: false });
  u.store.gain(4);
  u.channel.open();
  u.channel.receive(asMessage(encode(HAVE)));
  u.store.gain(5);
  u.store.gain(0);
  assert.deepEqual(u.said(), [
    [HELLO, VERSION],
    [HAVE, 1, 1, 4, 1],
    [HAVE, 5, 1],
    [HAVE, 0, 1],
  ]);
  u.channel.close();
  u.store.gain(6);
});

test("requests for what is not there are not kept: it is asked again when it is", async () => {
  const u = serve({ held: [1], first: [[0, 3]] });
  await flush();
  assert.deepEqual(u.numbers(), [1]);
  await u.say(REQUEST, 4, 2);
  u.store.gain(0);
  u.store.gain(4);
  await flush();
  assert.deepEqual(u.numbers(), [1]);
  await u.say(REQUEST, 4, 1);
  assert.deepEqual(u.numbers(), [1, 4]);
});

test("what rode in the offer is sent as soon as the recipient knocks, and not before", async () => {
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
  assert.equal(u.channel.sent.length, 0);
  u.channel.receive(asMessage(encode(HAVE)));
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
  assert.deepEqual(
    u.data().map(({ words, bytes }) => [...words, bytes.length]),
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

test("who asks without end is cut off after two copies", async () => {
  const u = serve({ size: 300 });
  for (let round = 0; round < 5; round++) await u.say(REQUEST, 0, 1 << 30);
  assert.notEqual(u.channel.readyState, "open");
  assert.equal(u.numbers().length, 2 * u.store.count);
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
  assert.ok(u.store.reads <= 5, `${u.store.reads} pieces read for one buffer`);
});

test("cancelled pieces are not sent, the one that is half sent included", async () => {
  const u = serve({ size: 4_000_000, pieceLength: 2_000_000, first: [[0, 2]] });
  await flush();
  const parts = u.data();
  assert.ok(parts.every(({ words }) => words[0] === 0));
  await u.say(CANCEL, 0, 2);
  u.channel.drain();
  await flush();
  // One message had been waiting for room.
  assert.ok(u.data().length <= parts.length + 1);
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

/** What only one who gives says. */
const GIVING = [
  encode(HELLO, VERSION),
  encode(REFUSE, GONE),
  encodeData([DATA, 0, 0], Uint8Array.of(1)),
  encodeData([PACKED, 0, 0, 1], Uint8Array.of(1)),
];

test("a recipient that speaks as a seeder, where nobody asked it to, is cut off", () => {
  for (const frame of GIVING) {
    const u = serve();
    u.channel.receive(asMessage(frame));
    assert.equal(u.channel.readyState, "closed");
  }
});

test("one who trades may give, too: that is for the other end", async () => {
  for (const frame of GIVING) {
    const u = serve({ held: [1], trades: true });
    u.channel.receive(asMessage(frame));
    assert.equal(u.channel.readyState, "open");
    await u.say(REQUEST, 1, 1);
    assert.deepEqual(u.numbers(), [1]);
  }
});

test("one who trades and speaks no protocol is cut off as anyone", () => {
  const u = serve({ trades: true });
  u.channel.receive("text");
  assert.equal(u.channel.readyState, "closed");
});

test("it closes when both sides have all, and not before", async () => {
  const u = serve({ size: 400, held: [0, 1, 2], trades: true });
  await u.say(HAVE, 0, 3);
  await u.say(HAVE, 3, 1);
  assert.equal(u.channel.readyState, "open", "this side lacks one");
  u.store.gain(3);
  await u.say(HAVE, 3, 1);
  assert.equal(u.channel.readyState, "closed");
});

test("a recipient that says as it goes what it has is let go when it has all", async () => {
  const u = serve({ size: 400 });
  for (const piece of [2, 0, 3]) await u.say(HAVE, piece, 1);
  await u.say(HAVE);
  assert.equal(u.channel.readyState, "open");
  await u.say(HAVE, 0, 9);
  assert.equal(u.channel.readyState, "closed");
});

test("pieces that do not exist bring nobody nearer to having all", async () => {
  const u = serve({ size: 400 });
  await u.say(HAVE, 4, 100);
  await u.say(HAVE, 0, 3);
  assert.equal(u.channel.readyState, "open");
});

test("pieces go packed where the channel's protocol says that gzip is understood, and only there", async () => {
  const piece = { size: 200_000, pieceLength: 150_000, first: [[0, 1]] };
  const packed = serve({ ...piece, protocol: "gzip" });
  await flush();
  assert.deepEqual(
    packed.data().map(({ type, words, bytes }) => [type, ...words, bytes.length]),
    [
      [PACKED, 0, 0, 75_000, 65_536],
      [PACKED, 0, 65_536, 75_000, 9_464],
    ],
  );
  const whole = Buffer.concat(packed.data().map(({ bytes }) => bytes));
  assert.ok(whole.equals(halve(packed.pieceOf(0))));
  for (const protocol of ["", "GZIP", "gzip2", "br"]) {
    const plain = serve({ ...piece, protocol });
    await flush();
    assert.ok(plain.data().every(({ type }) => type === DATA));
    assert.deepEqual(plain.received(), [{ piece: 0, bytes: Buffer.from(plain.pieceOf(0)) }]);
  }
});

test("nothing is given where the page or its visitor does not let it be, and all again when they do", async () => {
  let allowed = false;
  const u = serve({ first: [[0, 1]], isAllowed: () => allowed });
  await u.say(REQUEST, 1, 1);
  assert.deepEqual(u.numbers(), []);
  allowed = true;
  await u.say(REQUEST, 1, 1);
  assert.deepEqual(u.numbers(), [1]);
});

test("every message waits for the limit, which is asked for just its bytes", async () => {
  const asked = [];
  const waiting = [];
  const limit = (bytes) => {
    asked.push(bytes);
    return new Promise((resolve) => waiting.push(resolve));
  };
  const u = serve({ size: 100_000, pieceLength: 100_000, first: [[0, 1]], limit });
  await flush();
  assert.deepEqual([asked, u.data().length], [[65_536], 0]);
  waiting[0]();
  await flush();
  assert.deepEqual([asked, u.data().length], [[65_536, 34_464], 1]);
  waiting[1]();
  await flush();
  assert.deepEqual(u.received(), [{ piece: 0, bytes: Buffer.from(u.pieceOf(0)) }]);
});

test("a channel that closes while the limit holds it back gets nothing more, and nothing is thrown", async () => {
  let release = () => {};
  const limit = () =>
    new Promise((resolve) => {
      release = resolve;
    });
  const u = serve({ first: [[0, 2]], limit });
  await flush();
  u.channel.close();
  release();
  await flush();
  assert.equal(u.data().length, 0);
});

test("a piece that can't be read is a refusal, not a silence", async (t) => {
  t.mock.method(console, "debug", () => {});
  const store = { read: () => Promise.reject(new DOMException("gone", "NotReadableError")) };
  const u = serve({ first: [[0, 2]], store });
  await flush();
  assert.deepEqual(u.said().slice(2), [[REFUSE, GONE]]);
  assert.deepEqual(u.data(), []);
});

test("a channel that closes while it is full ends the sending quietly", async () => {
  const u = serve({ size: 4_000_000, pieceLength: 262_144, first: [[0, 16]] });
  await flush();
  const before = u.channel.sent.length;
  u.channel.close();
  await flush();
  assert.equal(u.channel.sent.length, before);
});

test("any requests and cancellations send only right pieces, each asked for, and never throw", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = createRandom(seed);
    const held = [...Array(11).keys()].filter(() => random.integer(3));
    const u = serve({ size: 1050, seed, held });
    const asked = new Set();
    for (let round = 0; round < 20; round++) {
      const [first, count] = [random.integer(14), random.integer(5)];
      const type = random.pick([REQUEST, REQUEST, CANCEL]);
      if (type === REQUEST)
        for (let piece = first; piece < first + count; piece++) if (held.includes(piece)) asked.add(piece);
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
  await clock.advance(IDLE_MS - 1);
  await u.say(REQUEST, 1, 1);
  await clock.advance(IDLE_MS - 1);
  assert.equal(u.channel.readyState, "open");
  await clock.advance(1);
  assert.notEqual(u.channel.readyState, "open");
});

test("one that made an offer and then never knocks is let go, too", async (t) => {
  const clock = fakeClock(t);
  const u = serve({ open: false });
  u.channel.open();
  await clock.advance(IDLE_MS - 1);
  assert.equal(u.channel.readyState, "open");
  await clock.advance(1);
  assert.notEqual(u.channel.readyState, "open");
});

test("one that gives is not let go, however long it wants nothing itself", async (t) => {
  const clock = fakeClock(t);
  const u = serve({ held: [0], offered: false, trades: true });
  for (let second = 0; second < 60; second++) {
    await clock.advance(1000);
    u.channel.receive(asMessage(encodeData([DATA, 1 + (second % 9), 0], Uint8Array.of(1))));
  }
  assert.equal(u.channel.readyState, "open");
});

test("more ranges than an offer may hold end the delivery", async () => {
  const u = serve();
  await u.say(REQUEST, ...Array(256).fill(0));
  assert.equal(u.channel.readyState, "open");
  await u.say(REQUEST, ...Array(258).fill(0));
  assert.notEqual(u.channel.readyState, "open");
});
