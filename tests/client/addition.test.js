import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";
import { CLIENT, CRYPTO, FakeScript, fakeClock, fakeFetch, fakePage, fakeSockets, flush, patch } from "./support.js";

// Loaded here, so that the page, which loads it when it is needed, gets it without a wait.
await import("../../viraljs/client/seeder.js");

const SRC = "file:///app.js?v=1";
const BUNDLE = Buffer.from("the bundle's code;");
const FULL = Buffer.concat([BUNDLE, Buffer.from("\n;the addition's code")]);

/** Each run loads the addition anew. */
let runs = 0;

/** A page that got the full response; `timing` is what the browser measured of it. */
async function begin(t, { cached = () => new Response(FULL), timing, ...page } = {}) {
  const debug = t.mock.method(console, "debug", () => {});
  const clock = fakeClock(t);
  const sockets = fakeSockets(t);
  const fetched = fakeFetch(t, cached);
  const browser = fakePage(t, page);
  const now = 500;
  await clock.advance(now);
  performance.getEntriesByName = (name) => (timing && name === SRC ? [timing] : []);
  browser.document.running = new FakeScript({ src: SRC });
  patch(t, {
    crypto: CRYPTO,
    __VIRALJS__: {
      ...CLIENT,
      digest: createHash("sha256").update(BUNDLE).digest("hex"),
      size: BUNDLE.length,
      proof: "proof",
      consent: false,
      consentCookie: "consent",
    },
  });
  return {
    ...browser,
    clock,
    fetched,
    sockets,
    /** Run the addition, up to the seeding or what keeps it from that. */
    run: async () => {
      await import(`../../viraljs/client/addition.js?${++runs}`);
      await clock.advance(0);
      await flush();
    },
    /** Why it does not seed. */
    errors: () => debug.mock.calls.map((call) => call.arguments[0].message),
  };
}

test("a bundle that came over the network is a delivery of the server, from request to run", async (t) => {
  const timing = { startTime: 100, transferSize: 300 + FULL.length, encodedBodySize: FULL.length };
  const { run, window } = await begin(t, { timing });
  await run();
  const [record] = window.ViralJS.deliveries;
  assert.deepEqual(
    [record.url, record.source, record.bytesFromServer, record.bytesFromCache, record.milliseconds],
    [SRC, "server", BUNDLE.length, 0, 400],
  );
});

test("one that came out of the browser's cache, revalidated or not, is a delivery of the cache", async (t) => {
  for (const transferSize of [0, 10]) {
    const timing = { startTime: 400, transferSize, encodedBodySize: FULL.length };
    const { run, window } = await begin(t, { timing });
    await run();
    const [record] = window.ViralJS.deliveries;
    assert.deepEqual([record.source, record.bytesFromServer, record.bytesFromCache], ["cache", 0, BUNDLE.length]);
  }
});

test("its bytes are read back from the cache, never downloaded, and seeded without the addition", async (t) => {
  const { fetched, run, sockets } = await begin(t);
  await run();
  assert.equal(sockets.length, 1);
  assert.deepEqual(fetched, [{ url: SRC, cache: "only-if-cached", mode: "same-origin" }]);
});

test("those of another origin are asked for in words to which the server says nothing", async (t) => {
  const { fetched, run, sockets, window } = await begin(t);
  window.origin = "https://www.example";
  await run();
  assert.equal(sockets.length, 1);
  assert.deepEqual(fetched, [
    { url: SRC, cache: "force-cache", headers: { Accept: "application/vnd.viraljs.cached" } },
  ]);
});

test("where the page waits for the tag, which can't come from peers then, the server is told of the page", async (t) => {
  for (const [attributes, readyState, told] of [
    [{}, "loading", "/page"],
    [{ defer: "" }, "interactive", undefined],
    [{ async: "" }, "loading", undefined],
  ]) {
    const { clock, document, run, sockets, window } = await begin(t, { readyState });
    document.running = new FakeScript({ src: SRC, ...attributes });
    await run();
    document.readyState = "complete";
    window.dispatchEvent(new Event("load"));
    await clock.advance(0);
    await flush();
    sockets[0].accept();
    sockets[0].tell({ type: "welcome", peer: "p", heartbeat: 30, slots: 2 });
    assert.equal(sockets[0].sent[0].page, told);
  }
});

test("another version in the cache is not seeded", async (t) => {
  const { errors, run, sockets } = await begin(t, { cached: () => new Response(FULL.subarray(1)) });
  await run();
  assert.equal(sockets.length, 0);
  assert.match(errors()[0], /version/);
});

test("a response that the cache did not keep is not seeded, and not asked for again", async (t) => {
  const cached = () => Promise.reject(new TypeError("not cached"));
  const { errors, fetched, run, sockets } = await begin(t, { cached });
  await run();
  assert.equal(sockets.length, 0);
  assert.deepEqual(errors(), ["not cached"]);
  assert.equal(fetched.length, 1);
});

test("a bundle that comes after it need not wait: this one has run", async (t) => {
  const { run, window } = await begin(t);
  await run();
  let free = false;
  window.ViralJS.begin({ consentCookie: "consent" }).before.then(() => {
    free = true;
  });
  await flush();
  assert.equal(free, true);
});

test("a module, which has no script element, is known by the URL that the server has for it", async (t) => {
  const { document, run, window } = await begin(t);
  document.running = null;
  window.origin = "https://a.example";
  __VIRALJS__.url = "/m/a.js";
  await run();
  assert.equal(window.ViralJS.deliveries[0].url, "https://a.example/m/a.js");
});

test("what it stumbles over is not an error of the module that it follows", async (t) => {
  const { document, errors, run } = await begin(t);
  Object.defineProperty(document, "currentScript", {
    get() {
      throw new Error("on purpose");
    },
  });
  await run();
  assert.deepEqual(errors(), ["on purpose"]);
});

test("in a worker, and in a document without an origin, it does nothing", async (t) => {
  const { document, fetched, window } = await begin(t);
  document.running = null;
  window.origin = "null";
  await import(`../../viraljs/client/addition.js?${++runs}`);
  patch(t, { document: undefined });
  await import(`../../viraljs/client/addition.js?${++runs}`);
  assert.equal(window.ViralJS, undefined);
  assert.deepEqual(fetched, []);
});
