import assert from "node:assert/strict";
import test from "node:test";
import { CACHE } from "../../viraljs/client/kept.js";
import { watchWorker } from "../../viraljs/client/worker.js";
import { fakeClock, patch } from "./support.js";

const URL_ = "https://a.example/app.js";
const COOKIE = "viraljs_worker";

/** A page under a worker of its site; each cache has kinds of responses by URL. */
async function look(t, stored, { controller = {}, url = URL_, name = COOKIE } = {}) {
  const clock = fakeClock(t);
  const document = { cookie: "" };
  const deleted = [];
  const caches = {
    keys: async () => Object.keys(stored),
    open: async (name) => ({
      keys: async (asked) => Object.keys(stored[name]).filter((one) => one.split("?")[0] === asked),
      match: async (one) => ({ headers: new Headers({ "ViralJS-Delivery": stored[name][one] }) }),
      delete: async (one) => deleted.push(one),
    }),
  };
  patch(t, { document, caches, window: { origin: "https://a.example" } });
  patch(t, { navigator: { serviceWorker: { controller } } });
  const looked = watchWorker(name, url);
  await clock.advance(1000);
  await looked;
  return { told: document.cookie.match(/^viraljs_worker=(\w+)/)?.[1], deleted, cookie: document.cookie };
}

test("a worker that stores nothing of the bundle passes, whatever else is stored", async (t) => {
  const { told } = await look(t, { site: { "https://a.example/style.css": "" }, [CACHE]: { [URL_]: "full" } });
  assert.equal(told, "passes");
});

test("one that stores it keeps, under whatever query", async (t) => {
  const { told, deleted } = await look(t, { site: { [`${URL_}?viraljs=script`]: "full" } });
  assert.equal(told, "keeps");
  assert.deepEqual(deleted, []);
});

test("a thin client that was stored is taken out", async (t) => {
  const { told, deleted } = await look(t, { site: { [URL_]: "thin" } });
  assert.equal(told, "keeps");
  assert.deepEqual(deleted, [URL_]);
});

test("without a worker in control, or for a bundle of another origin, nothing is told", async (t) => {
  assert.equal((await look(t, {}, { controller: null })).told, undefined);
  assert.equal((await look(t, {}, { url: "https://b.example/app.js" })).told, undefined);
});

test("an older release's island names no cookie, and none is written", async (t) => {
  assert.equal((await look(t, {}, { name: null })).cookie, "");
});
