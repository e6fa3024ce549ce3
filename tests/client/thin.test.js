import assert from "node:assert/strict";
import test from "node:test";
import { FakeScript, fakeClock, fakePage, flush, patch } from "./support.js";

const ISLAND = {
  url: "/app.js?v=1",
  base: "/viraljs",
  direct: "/viraljs/direct/mark/app.js?v=1",
  ticket: "digest~me.time.signature",
  size: 10,
  breaker: ["viraljs_failures", 600],
  consent: false,
  consentCookie: "consent",
};

const load = (t) => import(`../../viraljs/client/thin.js?${encodeURIComponent(t.name)}`);

test("in a worker the direct bundle is imported at once, from the worker's own origin", async (t) => {
  const imported = [];
  patch(t, {
    __VIRALJS__: ISLAND,
    document: undefined,
    self: { origin: "https://a.example" },
    importScripts: (url) => imported.push(url),
  });
  await load(t);
  assert.deepEqual(imported, ["https://a.example/viraljs/direct/mark/app.js?v=1"]);
});

test("in a page it takes the place of the script element that it came in", async (t) => {
  t.mock.method(console, "debug", () => {});
  fakeClock(t);
  const { document, window } = fakePage(t, { webrtc: null });
  const inserted = [];
  document.inserted = (script) => inserted.push(script);
  document.running = new FakeScript({ src: "https://a.example/app.js?v=1", defer: "" });
  const own = document.running;
  patch(t, { __VIRALJS__: ISLAND });
  await load(t);
  document.running = null;
  await flush();
  assert.deepEqual(
    inserted.map(({ src }) => src),
    ["https://a.example/viraljs/direct/mark/app.js?v=1"],
  );
  document.execute(inserted[0], () => assert.equal(document.currentScript, own));
  inserted[0].end("load");
  await flush();
  assert.equal(window.ViralJS.deliveries[0].reason, "no-webrtc");
});
