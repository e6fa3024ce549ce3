import assert from "node:assert/strict";
import test from "node:test";
import { createLimit } from "../../viraljs/client/limit.js";
import { fakeClock, flush } from "./support.js";

/** What may be sent at once after a rest. */
const BURST_MS = 100;
const RATE = 100_000;
/** A tenth of a second's worth, which is what a rest allows. */
const PART = 10_000;

/** A page that has rested so long. */
const REST_MS = 10_000;

/** Ask for parts, one after another or all together; `passed` says how long after the rest each was let through. */
async function begin(t, { limited = true } = {}) {
  const clock = fakeClock(t);
  await clock.advance(REST_MS);
  const now = () => Math.round(clock.now() - REST_MS);
  const limit = limited ? createLimit(RATE) : createLimit();
  const passed = [];
  return { clock, passed, ask: (bytes = PART, note = (at) => at) => limit(bytes).then(() => passed.push(note(now()))) };
}

test("without a limit nothing waits", async (t) => {
  const { ask, clock, passed } = await begin(t, { limited: false });
  for (let part = 0; part < 5; part++) await ask(1e9);
  assert.deepEqual(passed, [0, 0, 0, 0, 0]);
  assert.deepEqual(clock.waits(), []);
});

test("after a rest a burst goes at once; what follows goes at the allowed pace", async (t) => {
  const { ask, clock, passed } = await begin(t);
  for (let part = 0; part < 5; part++) ask();
  await clock.advance(1000);
  assert.deepEqual(passed, [0, 100, 200, 300, 400]);
});

test("those who ask together are served in the order in which they came, large or small", async (t) => {
  const { ask, clock, passed } = await begin(t);
  for (const [name, bytes] of [
    ["large", 5 * PART],
    ["small", 1],
    ["next", PART],
  ]) {
    ask(bytes, (at) => [name, at]);
  }
  await clock.advance(2000);
  assert.deepEqual(passed, [
    ["large", 400],
    ["small", 400],
    ["next", 500],
  ]);
});

test("a long rest allows no larger burst than a short one", async (t) => {
  const { ask, clock, passed } = await begin(t);
  ask();
  await clock.advance(60_000);
  for (let part = 0; part < 3; part++) ask();
  await clock.advance(1000);
  assert.deepEqual(passed.slice(1), [60_000, 60_100, 60_200]);
});

test("a rest shorter than the burst allows as much as it lasted", async (t) => {
  const { ask, clock, passed } = await begin(t);
  ask();
  await clock.advance(BURST_MS / 2);
  ask();
  await clock.advance(1000);
  assert.deepEqual(passed, [0, 100]);
});

test("over any time no more goes out than the pace and one burst allow", async (t) => {
  const { ask, clock, passed } = await begin(t);
  for (let part = 0; part < 50; part++) {
    ask(PART / 4);
    if (part % 5 === 0) await clock.advance(30);
  }
  await clock.advance(10_000);
  assert.equal(passed.length, 50);
  for (let from = 0; from < 50; from++) {
    for (let to = from; to < 50; to++) {
      const bytes = (to - from + 1) * (PART / 4);
      const allowed = ((passed[to] - passed[from] + BURST_MS) * RATE) / 1000 + PART / 4;
      assert.ok(bytes <= allowed + 1, `${bytes} bytes in ${passed[to] - passed[from]} ms`);
    }
  }
});

test("one who has been served leaves no timer behind", async (t) => {
  const { ask, clock } = await begin(t);
  ask();
  ask();
  await flush();
  assert.deepEqual(clock.waits(), [100]);
  await clock.advance(100);
  assert.deepEqual(clock.waits(), []);
});
