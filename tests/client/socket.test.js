import assert from "node:assert/strict";
import test from "node:test";
import { openSocket } from "../../viraljs/client/socket.js";
import { fakeClock, fakeSockets, flush, patch } from "./support.js";

const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 120_000;
const HEARTBEAT_SECONDS = 30;
const LONG = 10 * LONGEST_RETRY_MS;
const WELCOME = { type: "welcome", peer: "p", heartbeat: HEARTBEAT_SECONDS };

/** A line whose clock, chance and server the test holds. */
function begin(t, { chance = 0.5, open = true } = {}) {
  const clock = fakeClock(t);
  const sockets = fakeSockets(t);
  const fortune = { chance };
  t.mock.method(Math, "random", () => fortune.chance);
  const heard = [];
  const line = openSocket("https://a.example/viraljs/socket?ticket=x", (message) => heard.push(message));
  if (open) line.open();
  return { clock, fortune, heard, line, sockets };
}

/** Lose the newest socket; gives the milliseconds until the next one. */
async function retryDelay({ clock, sockets }, code) {
  sockets.at(-1).lose(code);
  const count = sockets.length;
  const [wait] = clock.waits();
  await clock.advance(wait - 1);
  assert.equal(sockets.length, count);
  await clock.advance(1);
  assert.equal(sockets.length, count + 1);
  return wait;
}

test("it opens the WebSocket of its URL when it is told to, and only one", async (t) => {
  const { clock, line, sockets } = begin(t, { open: false });
  await clock.advance(LONG);
  assert.equal(sockets.length, 0);
  line.open();
  line.open();
  assert.deepEqual(
    sockets.map(({ url }) => url),
    ["wss://a.example/viraljs/socket?ticket=x"],
  );
});

test("messages are handed on in order", (t) => {
  const { heard, sockets } = begin(t);
  sockets[0].accept();
  sockets[0].tell(WELCOME);
  sockets[0].tell({ type: "offer", exchange: "e" });
  assert.deepEqual(heard, [WELCOME, { type: "offer", exchange: "e" }]);
});

test("what is said before the line is up, or while it is down, is lost and throws nothing", async (t) => {
  const { clock, line, sockets } = begin(t, { open: false });
  line.send({ type: "done" });
  line.open();
  line.send({ type: "done" });
  sockets[0].accept();
  line.send({ type: "announce" });
  sockets[0].lose();
  line.send({ type: "done" });
  await clock.advance(LONGEST_RETRY_MS);
  sockets[1].accept();
  assert.deepEqual(
    sockets.map(({ sent }) => sent),
    [[{ type: "announce" }], []],
  );
});

test("a lost line comes back after a delay that grows, up to two minutes", async (t) => {
  const b = begin(t);
  const delays = [];
  for (let failure = 0; failure < 12; failure++) delays.push(await retryDelay(b));
  const expected = delays.map((_, at) => FIRST_RETRY_MS / 2 + Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** at) / 2);
  assert.deepEqual(delays, expected);
});

test("the delay is spread by chance, from its least to its most, and is never nothing", async (t) => {
  const b = begin(t);
  for (let failure = 0; failure < 5; failure++) {
    b.fortune.chance = [0, 0.999, 0.25, 0, 0.75][failure];
    const delay = await retryDelay(b);
    assert.equal(delay, FIRST_RETRY_MS / 2 + b.fortune.chance * FIRST_RETRY_MS * 2 ** failure);
  }
});

test("a thousand failures do not break the arithmetic", async (t) => {
  const b = begin(t);
  for (let failure = 0; failure < 1100; failure++) {
    b.sockets.at(-1).lose();
    b.line.open();
  }
  assert.equal(await retryDelay(b), FIRST_RETRY_MS / 2 + LONGEST_RETRY_MS / 2);
});

test("a message resets the delay; an opening alone does not", async (t) => {
  const b = begin(t);
  for (let failure = 0; failure < 4; failure++) await retryDelay(b);
  b.sockets.at(-1).accept();
  assert.equal(await retryDelay(b), FIRST_RETRY_MS / 2 + (FIRST_RETRY_MS * 2 ** 4) / 2);
  b.sockets.at(-1).accept();
  b.sockets.at(-1).tell(WELCOME);
  assert.equal(await retryDelay(b), FIRST_RETRY_MS / 2 + FIRST_RETRY_MS / 2);
});

test("after a final close code there is no further attempt", async (t) => {
  for (const code of [4400, 4403, 4429, 4499]) {
    const { clock, sockets } = begin(t);
    sockets[0].accept();
    sockets[0].tell(WELCOME);
    sockets[0].lose(code);
    await clock.advance(LONG);
    assert.equal(sockets.length, 1, `${code}`);
    assert.deepEqual(clock.waits(), []);
  }
});

test("after other close codes there is one: a full server is tried later", async (t) => {
  for (const code of [1000, 1001, 1006, 1011, 4399, 4500, 4503]) {
    const { clock, sockets } = begin(t);
    sockets[0].lose(code);
    await clock.advance(FIRST_RETRY_MS);
    assert.equal(sockets.length, 2, `${code}`);
  }
});

test("close stops it: no socket, no retry", async (t) => {
  const { clock, line, sockets } = begin(t);
  sockets[0].accept();
  sockets[0].tell(WELCOME);
  line.close();
  await clock.advance(LONG);
  assert.equal(sockets[0].readyState, 3);
  assert.equal(sockets.length, 1);
  assert.deepEqual(clock.waits(), []);
});

test("close ends the wait for a retry, also after an opening in between", async (t) => {
  const { clock, line, sockets } = begin(t);
  sockets[0].lose();
  line.open();
  sockets[1].lose();
  line.close();
  await clock.advance(LONG);
  assert.equal(sockets.length, 2);
});

test("opening while a retry waits makes one socket, and the retry none", async (t) => {
  const { clock, line, sockets } = begin(t);
  sockets[0].lose();
  line.open();
  sockets[1].accept();
  await clock.advance(LONG);
  assert.equal(sockets.length, 2);
});

test("a closed line can be opened again; the old socket's end does not touch the new one", async (t) => {
  const { clock, line, sockets } = begin(t);
  sockets[0].accept();
  line.close();
  line.open();
  sockets[1].accept();
  await flush();
  await clock.advance(LONG);
  line.send({ type: "done" });
  assert.equal(sockets.length, 2);
  assert.deepEqual(sockets[1].sent, [{ type: "done" }]);
});

test("a ping is answered by the line itself, and bothers nobody", (t) => {
  const { heard, sockets } = begin(t);
  sockets[0].accept();
  sockets[0].tell(WELCOME);
  sockets[0].tell({ type: "ping" });
  assert.deepEqual(sockets[0].sent, [{ type: "pong" }]);
  assert.deepEqual(heard, [WELCOME]);
});

test("a line that is silent for three heartbeats is taken to be dead, and opened anew", async (t) => {
  const { clock, sockets } = begin(t);
  sockets[0].accept();
  sockets[0].tell(WELCOME);
  await clock.advance(3 * HEARTBEAT_SECONDS * 1000 - 1);
  sockets[0].tell({ type: "ping" });
  await clock.advance(3 * HEARTBEAT_SECONDS * 1000 - 1);
  assert.equal(sockets[0].readyState, 1);
  await clock.advance(1);
  assert.equal(sockets[0].readyState, 3);
  await clock.advance(FIRST_RETRY_MS);
  assert.equal(sockets.length, 2);
});

test("the dead socket's late end does not count as another failure", async (t) => {
  const { clock, sockets } = begin(t);
  sockets[0].accept();
  sockets[0].tell(WELCOME);
  await clock.advance(3 * HEARTBEAT_SECONDS * 1000);
  assert.equal(clock.waits().length, 1);
  sockets[0].onclose({ code: 1006 });
  await clock.advance(FIRST_RETRY_MS);
  assert.equal(sockets.length, 2);
  assert.deepEqual(clock.waits(), []);
});

test("in Firefox each line has a room of its own, which goes with it", async (t) => {
  const { clock, line, sockets } = begin(t, { open: false });
  const rooms = [];
  const host = () => {
    const room = { there: true, attachShadow: () => ({ append: () => 0 }) };
    room.remove = () => {
      room.there = false;
    };
    return room;
  };
  const frame = { contentWindow: { WebSocket: globalThis.WebSocket } };
  patch(t, {
    navigation: {},
    navigator: { userAgent: "Firefox/153.0" },
    document: {},
    Document: {
      prototype: {
        createElement: (name) => (name === "iframe" ? frame : host()),
        documentElement: { append: (room) => rooms.push(room) },
      },
    },
  });
  const there = () => rooms.map((room) => room.there);
  line.open();
  assert.deepEqual(there(), [true]);
  sockets[0].lose(1006);
  assert.deepEqual(there(), [false]);
  await clock.advance(LONG);
  assert.deepEqual(there(), [false, true]);
  line.close();
  assert.deepEqual(there(), [false, false]);
});
