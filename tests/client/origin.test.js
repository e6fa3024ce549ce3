import assert from "node:assert/strict";
import test from "node:test";
import { fetchRun } from "../../viraljs/client/origin.js";
import { createRandom, fakeClock, fakeFetch, flush, makeBundle, streamOf } from "./support.js";

const URL_ = "https://a.example/app.js?viraljs=direct";

/** Cut bytes into chunks of random lengths. */
function cut(bytes, random, longest) {
  const chunks = [];
  for (let at = 0; at < bytes.length; at += chunks.at(-1).length) {
    chunks.push(bytes.slice(at, at + 1 + random.integer(longest)));
  }
  return chunks;
}

/** Ask a fake server for a run; gives what was asked and what was taken. */
async function ask(t, bundle, run, answer) {
  const calls = fakeFetch(t, answer);
  const taken = [];
  const { signal } = new AbortController();
  const take = async (piece, bytes) => {
    taken.push([piece, Buffer.from(bytes)]);
    return true;
  };
  let heard = 0;
  const error = await fetchRun(URL_, bundle.pieces, bundle, run, signal, take, () => heard++).then(
    () => null,
    (reason) => reason,
  );
  return { call: calls[0], calls, error, heard, taken };
}

const partial = (chunks, error) => new Response(streamOf(chunks, error), { status: 206 });
const piecesOf = (bundle, first, count) =>
  Array.from({ length: count }, (_, at) => [first + at, Buffer.from(bundle.pieceOf(first + at))]);

test("a run is asked for as the bytes that it covers, once", async (t) => {
  const bundle = makeBundle({ size: 1050 });
  const { call, calls, error, taken } = await ask(t, bundle, [2, 3], () => partial([bundle.bytes.slice(200, 500)]));
  assert.equal(error, null);
  assert.equal(calls.length, 1);
  assert.equal(call.url, URL_);
  assert.deepEqual(call.headers, { Range: "bytes=200-499" });
  assert.deepEqual(taken, piecesOf(bundle, 2, 3));
});

test("a run up to the end does not ask past it", async (t) => {
  const bundle = makeBundle({ size: 1050 });
  const { call, taken } = await ask(t, bundle, [9, 2], () => partial([bundle.bytes.slice(900)]));
  assert.deepEqual(call.headers, { Range: "bytes=900-1049" });
  assert.deepEqual(taken, piecesOf(bundle, 9, 2));
});

test("the whole bundle is asked for without a range", async (t) => {
  const bundle = makeBundle({ size: 1050 });
  const { call, error, taken } = await ask(t, bundle, [0, 11], () => new Response(streamOf([bundle.bytes])));
  assert.equal(error, null);
  assert.equal(call.headers, undefined);
  assert.deepEqual(taken, piecesOf(bundle, 0, 11));
});

test("a server that ignores the range gives every piece, each in its place", async (t) => {
  const bundle = makeBundle({ size: 1050 });
  const { error, taken } = await ask(t, bundle, [2, 3], () => new Response(streamOf([bundle.bytes])));
  assert.equal(error, null);
  assert.deepEqual(taken, piecesOf(bundle, 0, 11));
});

test("chunks may end anywhere: within pieces, on their borders, across several", async (t) => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = createRandom(seed);
    const bundle = makeBundle({ size: 1 + random.integer(1500), seed });
    const first = random.integer(bundle.count);
    const count = 1 + random.integer(bundle.count - first);
    const body = bundle.bytes.slice(first * 100, (first + count) * 100);
    const { error, taken } = await ask(t, bundle, [first, count], () =>
      body.length < bundle.size ? partial(cut(body, random, 350)) : new Response(streamOf(cut(body, random, 350))),
    );
    assert.equal(error, null);
    assert.deepEqual(taken, piecesOf(bundle, first, count));
  }
});

test("empty chunks are no harm", async (t) => {
  const bundle = makeBundle({ size: 300 });
  const none = new Uint8Array(0);
  const { error, taken } = await ask(t, bundle, [1, 2], () =>
    partial([none, bundle.bytes.slice(100, 200), none, none, bundle.bytes.slice(200), none]),
  );
  assert.equal(error, null);
  assert.deepEqual(taken, piecesOf(bundle, 1, 2));
});

test("the next chunk is not read before a piece is taken", async (t) => {
  const bundle = makeBundle({ size: 300 });
  const events = [];
  const body = new ReadableStream(
    {
      pull(controller) {
        const piece = events.filter((event) => event.startsWith("pulled")).length;
        if (piece === 3) return controller.close();
        events.push(`pulled ${piece}`);
        controller.enqueue(bundle.pieceOf(piece));
      },
    },
    { highWaterMark: 0 },
  );
  fakeFetch(t, () => new Response(body));
  const take = async (piece) => {
    await new Promise((resolve) => setImmediate(resolve));
    events.push(`took ${piece}`);
    return true;
  };
  await fetchRun(URL_, bundle.pieces, bundle, [0, 3], new AbortController().signal, take, () => {});
  assert.deepEqual(events, ["pulled 0", "took 0", "pulled 1", "took 1", "pulled 2", "took 2"]);
});

test("a body that is too short rejects, after the whole pieces in it", async (t) => {
  const bundle = makeBundle();
  const { error, taken } = await ask(t, bundle, [2, 3], () => partial([bundle.bytes.slice(200, 499)]));
  assert.equal(error.message, "short");
  assert.deepEqual(taken, piecesOf(bundle, 2, 2));
});

test("an empty body rejects", async (t) => {
  const { error } = await ask(t, makeBundle(), [2, 3], () => partial([]));
  assert.equal(error.message, "short");
});

test("a body without a stream rejects", async (t) => {
  const { error } = await ask(t, makeBundle(), [2, 3], () => new Response(null, { status: 204 }));
  assert.equal(error.message, "204");
});

test("a body that is longer than the bundle rejects", async (t) => {
  const bundle = makeBundle({ size: 1050 });
  const longer = Buffer.concat([bundle.bytes, Buffer.from("more")]);
  for (const [run, body] of [
    [[9, 2], partial([longer.subarray(900)])],
    [[0, 11], new Response(streamOf([longer]))],
    [[0, 11], new Response(streamOf([bundle.bytes, Buffer.from("!")]))],
  ]) {
    const { error } = await ask(t, bundle, run, () => body);
    assert.equal(error.message, "size");
  }
});

test("a body that is longer than a bundle of whole pieces rejects", async (t) => {
  const bundle = makeBundle();
  const { error } = await ask(t, bundle, [0, 10], () => new Response(streamOf([bundle.bytes, Buffer.from("!")])));
  assert.equal(error.message, "size");
});

test("an error status rejects with it", async (t) => {
  for (const status of [404, 416, 500, 503]) {
    const { error, taken } = await ask(t, makeBundle(), [0, 1], () => new Response("sorry", { status }));
    assert.equal(error.message, `${status}`);
    assert.deepEqual(taken, []);
  }
});

test("a network that fails rejects, before or within the body", async (t) => {
  const before = await ask(t, makeBundle(), [0, 1], () => Promise.reject(new TypeError("failed to fetch")));
  assert.equal(before.error.message, "failed to fetch");
  const bundle = makeBundle();
  const within = await ask(t, bundle, [0, 3], () => partial([bundle.pieceOf(0)], new TypeError("network error")));
  assert.equal(within.error.message, "network error");
});

test("what the taker refuses rejects the run, and nothing more is taken", async (t) => {
  const bundle = makeBundle();
  fakeFetch(t, () => new Response(streamOf([bundle.bytes])));
  let taken = 0;
  const take = async () => {
    taken++;
    throw new Error("another version");
  };
  const { signal } = new AbortController();
  await assert.rejects(
    fetchRun(URL_, bundle.pieces, bundle, [0, 10], signal, take, () => {}),
    /another version/,
  );
  assert.equal(taken, 1);
});

test("where the taker wants no more, the rest is not read, and the run has not failed", async (t) => {
  const bundle = makeBundle();
  let cancelled = false;
  const rest = [bundle.pieceOf(2), bundle.pieceOf(3), bundle.pieceOf(4)];
  const body = new ReadableStream(
    {
      pull: (controller) => controller.enqueue(rest.shift()),
      cancel() {
        cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  fakeFetch(t, () => new Response(body, { status: 206 }));
  const taken = [];
  const take = async (piece) => {
    taken.push(piece);
    return piece < 3;
  };
  await fetchRun(URL_, bundle.pieces, bundle, [2, 5], new AbortController().signal, take, () => {});
  assert.deepEqual(taken, [2, 3]);
  assert.equal(cancelled, true);
  assert.equal(rest.length, 1);
});

test("of a chunk with several pieces, none is taken after the one at which the taker stops", async (t) => {
  const bundle = makeBundle();
  fakeFetch(t, () => partial([bundle.bytes.slice(200)]));
  const taken = [];
  const take = async (piece) => {
    taken.push(piece);
    return false;
  };
  await fetchRun(URL_, bundle.pieces, bundle, [2, 8], new AbortController().signal, take, () => {});
  assert.deepEqual(taken, [2]);
});

// Signs of life, and the end ------------------------------------------------------------------------------

test("the first byte and each chunk after it are signs of life", async (t) => {
  const bundle = makeBundle({ size: 300 });
  const { heard } = await ask(t, bundle, [1, 2], () =>
    partial([bundle.bytes.slice(100, 150), bundle.bytes.slice(150, 300)]),
  );
  assert.equal(heard, 3);
});

/** A run whose body the test holds, and which is aborted when the test says so. */
function hold(t, bundle, run, status, take) {
  const held = { aborted: false, cancelled: false, closed: false, ended: false, error: null };
  const body = new ReadableStream({
    start(controller) {
      held.controller = controller;
    },
    cancel() {
      held.cancelled = true;
    },
  });
  fakeFetch(t, ({ signal }) => {
    signal.addEventListener("abort", () => {
      // What has ended, no browser aborts.
      if (held.closed) return;
      held.aborted = true;
      held.controller.error(signal.reason);
    });
    return new Response(body, { status });
  });
  const abort = new AbortController();
  held.close = () => {
    held.closed = true;
    held.controller.close();
  };
  held.abort = () => abort.abort(new Error("over"));
  held.done = fetchRun(URL_, bundle.pieces, bundle, run, abort.signal, take ?? (async () => true), () => {}).then(
    () => {
      held.ended = true;
    },
    (error) => {
      held.error = error;
    },
  );
  return held;
}

test("a run that lacks something is aborted at once", async (t) => {
  const bundle = makeBundle();
  const held = hold(t, bundle, [2, 3], 206);
  await flush();
  held.controller.enqueue(bundle.bytes.slice(200, 499));
  await flush();
  held.abort();
  await held.done;
  assert.equal(held.error.message, "over");
  assert.equal(held.aborted, true);
});

for (const [what, run, status, bytes] of [
  ["a range", [2, 3], 206, [200, 500]],
  ["the whole", [0, 10], 200, [0, 1000]],
  ["the whole in place of a range", [8, 2], 200, [0, 1000]],
]) {
  test(`of ${what}, a run that has all is read to its end, and neither aborted nor cancelled`, async (t) => {
    const clock = fakeClock(t);
    const bundle = makeBundle();
    const held = hold(t, bundle, run, status, async (piece) => {
      if (piece < run[0] + run[1] - 1) return true;
      held.abort();
      return false;
    });
    await flush();
    held.controller.enqueue(bundle.bytes.slice(...bytes));
    await flush();
    assert.deepEqual([held.aborted, held.cancelled, held.ended], [false, false, false]);
    held.close();
    await held.done;
    assert.deepEqual([held.aborted, held.cancelled, held.error], [false, false, null]);
    assert.deepEqual(clock.waits(), []);
  });
}

test("an end that does not come is not waited for, once the run is over", async (t) => {
  const clock = fakeClock(t);
  const bundle = makeBundle();
  const held = hold(t, bundle, [2, 3], 206);
  await flush();
  held.controller.enqueue(bundle.bytes.slice(200, 500));
  await flush();
  held.abort();
  await clock.advance(1000);
  assert.equal(held.aborted, true);
  assert.deepEqual(clock.waits(), []);
});

test("where the server gives all in place of a run, what is behind the run is cut off", async (t) => {
  const bundle = makeBundle();
  const held = hold(t, bundle, [2, 3], 200, async (piece) => piece < 4);
  await flush();
  held.controller.enqueue(bundle.bytes.slice(0, 700));
  await held.done;
  assert.deepEqual([held.cancelled, held.error], [true, null]);
});
