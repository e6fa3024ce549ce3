import assert from "node:assert/strict";
import test from "node:test";
import { FakeScript, fakeClock, fakePage, flush, patch } from "./support.js";

const ISLAND = {
  url: "/app.js?v=1",
  base: "/viraljs",
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
  assert.deepEqual(imported, ["https://a.example/app.js?v=1&viraljs=direct"]);
});

test("in a page it takes the place of the script element that it came in", async (t) => {
  t.mock.method(console, "debug", () => {});
  fakeClock(t);
  const { document, window } = fakePage(t, { webrtc: null });
  const inserted = [];
  document.currentScript = new FakeScript({ src: "https://a.example/app.js?v=1" });
  document.currentScript.isConnected = true;
  document.currentScript.after = (script) => {
    inserted.push(script.loadedFrom);
    queueMicrotask(() => script.end("load"));
  };
  patch(t, { __VIRALJS__: ISLAND });
  await load(t);
  await flush();
  assert.deepEqual(inserted, ["https://a.example/app.js?v=1&viraljs=direct"]);
  assert.equal(window.ViralJS.deliveries[0].reason, "no-webrtc");
});
