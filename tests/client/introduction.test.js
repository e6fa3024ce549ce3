import assert from "node:assert/strict";
import test from "node:test";
import { introduce } from "../../viraljs/client/introduction.js";
import { fakeClock, fakeFetch, flush } from "./support.js";

const BASE = "https://a.example/viraljs/";
const PATIENCE_MS = 300;
const LONG = 60_000;

/** A peer, as the introduction sees it. */
function fakePeer(seeder, late = []) {
  const peer = {
    seeder,
    late,
    hoping: true,
    heard: [],
    offer: Promise.resolve({ seeder, sdp: `v=0 of ${seeder}`, ranges: [[0, 1]] }),
    waiting: () => peer.hoping,
    hear: (signals) => peer.heard.push(...signals),
    ended: null,
    end(reason) {
      peer.ended = reason;
      peer.hoping = false;
    },
  };
  return peer;
}

const answerOf = (seeder) => ({ type: "answer", exchange: `recipient.${seeder}`, sdp: "v=0" });
const reply = (...signals) => Response.json({ signals });

/** Introduce fake peers by a fake server, up to the end of it or a minute. */
async function meet(t, peers, answer) {
  const clock = fakeClock(t);
  const calls = fakeFetch(t, answer);
  const outcome = { done: false, error: null };
  introduce(BASE, "the ticket", peers).then(
    () => {
      outcome.done = true;
    },
    (error) => {
      outcome.error = error;
    },
  );
  await flush();
  const posts = () => calls.map(({ url, method, body }) => ({ url, method, ...JSON.parse(body) }));
  return { clock, outcome, posts };
}

test("all offers go to the server in one POST, with the ticket", async (t) => {
  const { posts } = await meet(t, [fakePeer("a"), fakePeer("b")], () => reply());
  assert.deepEqual(posts(), [
    {
      url: `${BASE}offers`,
      method: "POST",
      ticket: "the ticket",
      offers: [
        { seeder: "a", sdp: "v=0 of a", ranges: [[0, 1]] },
        { seeder: "b", sdp: "v=0 of b", ranges: [[0, 1]] },
      ],
    },
  ]);
});

test("the POST waits for the last offer", async (t) => {
  const [a, b] = [fakePeer("a"), fakePeer("b")];
  let describe;
  b.offer = new Promise((resolve) => {
    describe = resolve;
  });
  const { posts } = await meet(t, [a, b], () => reply());
  assert.deepEqual(posts(), []);
  describe({ seeder: "b", sdp: "v=0", ranges: [] });
  await flush();
  assert.equal(posts().length, 1);
});

test("each peer hears what its own seeder says", async (t) => {
  const peers = [fakePeer("a"), fakePeer("b"), fakePeer("xa")];
  await meet(t, peers, () => reply(answerOf("b"), answerOf("a"), { type: "gone", exchange: "recipient.b" }));
  assert.deepEqual(
    peers.map(({ heard }) => heard.map(({ type }) => type)),
    [["answer"], ["answer", "gone"], []],
  );
});

test("peers that found a path within the patience cost no further request", async (t) => {
  const a = fakePeer("a", ["candidate:2"]);
  const { clock, outcome, posts } = await meet(t, [a], () => reply(answerOf("a")));
  a.hoping = false;
  await clock.advance(LONG);
  assert.equal(posts().length, 1);
  assert.equal(outcome.done, true);
});

test("a peer without a path sends its late candidates, each once, and hears the seeder's", async (t) => {
  const [quick, slow] = [fakePeer("quick"), fakePeer("slow", ["candidate:1"])];
  const candidates = { type: "candidates", exchange: "recipient.slow", candidates: ["candidate:7"] };
  const { clock, outcome, posts } = await meet(t, [quick, slow], ({ url }, at) => {
    if (url.endsWith("/offers")) return reply(answerOf("quick"), answerOf("slow"));
    if (at === 1) slow.late.push("candidate:2");
    else slow.hoping = false;
    return reply(candidates);
  });
  quick.hoping = false;
  await clock.advance(PATIENCE_MS - 1);
  assert.equal(posts().length, 1);
  await clock.advance(1);
  assert.deepEqual(posts().slice(1), [
    { url: `${BASE}candidates`, method: "POST", ticket: "the ticket", seeder: "slow", candidates: ["candidate:1"] },
    { url: `${BASE}candidates`, method: "POST", ticket: "the ticket", seeder: "slow", candidates: ["candidate:2"] },
  ]);
  assert.deepEqual(slow.heard, [answerOf("slow"), candidates, candidates]);
  assert.equal(outcome.done, true);
});

test("a seeder's answer that comes late is heard by asking", async (t) => {
  const a = fakePeer("a");
  const { clock, outcome } = await meet(t, [a], ({ url }) => {
    if (url.endsWith("/offers")) return reply();
    a.hoping = false;
    return reply(answerOf("a"));
  });
  assert.deepEqual(a.heard, []);
  await clock.advance(PATIENCE_MS);
  assert.deepEqual(a.heard, [answerOf("a")]);
  assert.equal(outcome.done, true);
});

test("asking stops as soon as the peer no longer waits", async (t) => {
  const a = fakePeer("a");
  const { clock, posts } = await meet(t, [a], (_, at) => {
    if (at === 1) a.hoping = false;
    return reply();
  });
  await clock.advance(LONG);
  assert.equal(posts().length, 2);
});

test("a seeder that stays silent is asked for three times at most", async (t) => {
  const { clock, outcome, posts } = await meet(t, [fakePeer("a")], () => reply());
  await clock.advance(LONG);
  assert.equal(posts().length, 1 + 3);
  assert.equal(outcome.done, true);
});

test("an error of the server, the network or its words rejects the introduction", async (t) => {
  const failures = [
    () => new Response("{}", { status: 403 }),
    () => Promise.reject(new TypeError("failed to fetch")),
    () => new Response("<html>", { status: 200 }),
    () => Response.json({}),
  ];
  for (const failure of failures) {
    const { outcome } = await meet(t, [fakePeer("a")], failure);
    assert.ok(outcome.error instanceof Error);
  }
});

test("an error while asking ends the peer that still waits, and no other", async (t) => {
  t.mock.method(console, "debug", () => {});
  const [refused, open, late] = [fakePeer("refused"), fakePeer("open"), fakePeer("late")];
  open.hoping = false;
  const { clock, outcome } = await meet(t, [refused, open, late], ({ body }, at) => {
    if (!at) return reply();
    return body.includes('"refused"') ? new Response("", { status: 500 }) : reply();
  });
  await clock.advance(PATIENCE_MS);
  assert.deepEqual(
    [refused, open, late].map(({ ended }) => ended),
    ["signaling", null, null],
  );
  assert.deepEqual(outcome, { done: true, error: null });
});

test("an offer that the browser can't make rejects it, and nothing is posted", async (t) => {
  const a = fakePeer("a");
  a.offer = Promise.reject(new Error("closed"));
  const { outcome, posts } = await meet(t, [a], () => reply());
  assert.equal(outcome.error.message, "closed");
  assert.deepEqual(posts(), []);
});
