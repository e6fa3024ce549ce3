import assert from "node:assert/strict";
import test from "node:test";
import { alarm } from "../../viraljs/client/alarm.js";
import { fakeClock, flush, patch } from "./support.js";

test("it rings when the time has passed, and not before", async (t) => {
  const clock = fakeClock(t);
  let rung = false;
  alarm(50).then(() => {
    rung = true;
  });
  await clock.advance(49);
  assert.equal(rung, false);
  await clock.advance(1);
  assert.equal(rung, true);
});

test("it rings though the page's own timers stand still", async (t) => {
  const clock = fakeClock(t);
  patch(t, { setTimeout: () => 1 });
  let rung = false;
  alarm(50).then(() => {
    rung = true;
  });
  await clock.advance(50);
  assert.equal(rung, true);
});

test("where the browser has nothing else, a timer rings it", async (t) => {
  const clock = fakeClock(t);
  patch(t, { AbortSignal: {} });
  const ringing = alarm(50);
  await clock.advance(50);
  await ringing;
  await flush();
});
