import assert from "node:assert/strict";
import test from "node:test";
import { islandOf } from "./modular.js";
import { CRYPTO, fakeFetch, fakePage, flush, patch } from "./support.js";

const ORIGIN = "https://a.example";
const at = (name) => `${ORIGIN}/m/${name}`;
let runs = 0;

/**
 * A page with a linker of its own, and a server with modules by name: their code, or what else it answers. What is linked
 * runs, in Node: a module's address is a `data:` URL.
 */
async function begin(t, files, { shared = [], fail = {} } = {}) {
  const { document, window } = fakePage(t);
  const appended = [];
  document.head = { appendChild: (node) => appended.push(node) && node };
  const finished = [];
  window.ViralJS = { begin: () => ({ done() {} }), turns: new WeakMap(), last() {} };
  window.origin = ORIGIN;
  const fetched = fakeFetch(t, ({ url }) => {
    const { pathname, searchParams } = new URL(url);
    const name = pathname.slice(3);
    const file = files[name];
    if (file === undefined) return new Response("", { status: 404 });
    if (typeof file !== "string") return file();
    // With an addition, as the browser's cache may have it.
    if (!searchParams.size) return new Response(`${fail[name] ?? file}\n;addition()`);
    const island = islandOf(file, { ticket: shared.includes(name) && "ticket" });
    return new Response(JSON.stringify(island), { headers: { "ViralJS-Delivery": "thin" } });
  });
  class Text {
    constructor(parts) {
      this.bytes = Buffer.concat(parts.map((part) => Buffer.from(part)));
    }
    arrayBuffer = async () => new Uint8Array(this.bytes).buffer;
  }
  const made = [];
  t.mock.method(URL, "createObjectURL", (blob) => {
    const text = `${blob.bytes}`;
    made.push(text);
    return `data:text/javascript;test=${runs};base64,${Buffer.from(text).toString("base64")}`;
  });
  const errors = t.mock.method(console, "error", () => {});
  t.mock.method(console, "debug", () => {});
  patch(t, { Blob: Text, crypto: CRYPTO, location: { href: `${ORIGIN}/` }, log: [] });
  let open = 0;
  let most = 0;
  const how = (island, url) => {
    const record = { url, bytesFromServer: 0 };
    const name = url.slice(at("").length);
    return {
      record,
      fallBack: (reason) => Object.assign(record, { reason }),
      find: async () => async () => {
        most = Math.max(most, ++open);
        await flush();
        open--;
        if (name in fail) throw new Error("peers");
        return { blob: new Text([files[name]]) };
      },
      finish: (got) => finished.push({ ...record, size: island.size, bytes: got.blob.bytes?.length }),
    };
  };
  const client = await import(`../../viraljs/client/module.js?${++runs}`);
  return {
    appended,
    client,
    fetched,
    finished,
    made,
    window,
    asked: () => fetched.map(({ url }) => url.slice(at("").length)),
    errors: () => errors.mock.calls.map((call) => call.arguments.join(" ")),
    most: () => most,
    /** Link the entry, and run it. */
    async run(name = "entry.js") {
      const ticket = shared.includes(name) && "ticket";
      const linked = await client.link(islandOf(files[name], { ticket }), at(name), how);
      return { ...linked, exports: await import(linked.url) };
    },
  };
}

test("modules run in their order, each once, with live bindings", async (t) => {
  const page = await begin(t, {
    "entry.js":
      'import { count, add } from "./a.js"; import "./b.js"; log.push("entry"); add(); export { count }; export const url = import.meta.url;',
    "a.js": 'import "./c.js"; log.push("a"); export let count = 0; export const add = () => { count++; };',
    "b.js": 'import { add } from "./a.js"; import "./c.js"; log.push("b"); add();',
    "c.js": 'log.push("c");',
  });
  const { exports } = await page.run();
  assert.deepEqual(globalThis.log, ["c", "a", "b", "entry"]);
  assert.deepEqual([exports.count, exports.url], [2, at("entry.js")]);
});

test("what a module imports is asked for before its bytes are there, and once", async (t) => {
  const page = await begin(t, {
    "entry.js": 'import "./a.js"; import "./b.js";',
    "a.js": 'import "./b.js";',
    "b.js": "",
  });
  await page.run();
  assert.deepEqual(page.asked().sort(), [...["a.js", "a.js?viraljs=part", "b.js", "b.js?viraljs=part"], "entry.js"]);
});

test("a module that is imported later has its imports with it, and finds those that have run", async (t) => {
  const page = await begin(t, {
    "entry.js": 'log.push("entry"); export const state = {}; export const later = import("./lazy.js");',
    "lazy.js": 'import { state } from "./entry.js"; import { a } from "./a.js"; log.push("lazy"); export { state, a };',
    "a.js": 'export const a = import.meta.resolve("./x.png");',
  });
  const { exports } = await page.run();
  const lazy = await exports.later;
  assert.equal(lazy.state, exports.state);
  assert.equal(lazy.a, at("x.png"));
  assert.deepEqual(globalThis.log, ["entry", "lazy"]);
  assert.equal(await page.client.load("./lazy.js", at("entry.js")), lazy);
  assert.equal(page.made.length, new Set(page.made).size, "each module has one address");
});

test("an import is coerced as by the browser, and what is wrong with it is a rejection", async (t) => {
  const page = await begin(t, { "entry.js": "", "a.js": "export const a = 1;" });
  await page.run();
  const { load, meta } = page.client.helperOf(at("entry.js"));
  assert.equal((await load({ toString: () => "./a.js" })).a, 1);
  await assert.rejects(load(Symbol("a")), TypeError);
  await assert.rejects(load("//["), TypeError);
  assert.equal(Object.getPrototypeOf(meta), null);
  assert.deepEqual(Object.keys(meta).sort(), ["resolve", "url"]);
});

test("what is elsewhere, or no bundle, is the browser's own import", async (t) => {
  const page = await begin(t, { "entry.js": "", "plain.js": () => new Response("plain") });
  await page.run();
  const { load } = page.client.helperOf(at("entry.js"));
  assert.equal((await load("data:text/javascript,export default 7")).default, 7);
  assert.equal(typeof (await load("node:fs")).readFile, "function");
  // Node can't import from a server.
  await assert.rejects(load("./plain.js"), /https:/);
  assert.deepEqual(page.errors(), []);
});

test("modules in a circle can't be linked, and nothing runs", async (t) => {
  const page = await begin(t, {
    "entry.js": 'import "./a.js"; log.push("entry");',
    "a.js": 'import "./b.js"; log.push("a");',
    "b.js": 'import "./a.js"; log.push("b");',
  });
  await assert.rejects(page.run(), /^Error: cycle$/);
  assert.deepEqual(globalThis.log, []);
});

test("later ones in a circle are a failed import that says why; the rest of the page goes on", async (t) => {
  const page = await begin(t, {
    "entry.js": 'import "./c.js"; export const at = import.meta.url;',
    "a.js": 'import "./b.js";',
    "b.js": 'import "./a.js"; import "./c.js";',
    "c.js": 'log.push("c");',
  });
  await page.run();
  await assert.rejects(page.client.load("./a.js", at("entry.js")), /cycle/);
  assert.match(page.errors()[0], /can't import https:\/\/a\.example\/m\/a\.js: Error: cycle/);
  await page.client.load("./c.js", at("entry.js"));
  assert.deepEqual(globalThis.log, ["c"]);
});

test("a module that the server can't tell how to run is a failed import", async (t) => {
  const said = { "ViralJS-Delivery": "untouched; reason=module-syntax" };
  const page = await begin(t, { "entry.js": "", "a.js": () => new Response("{}", { headers: said }) });
  await page.run();
  await assert.rejects(page.client.load("./a.js", at("entry.js")), /^Error: module-syntax$/);
});

test("what failed can be asked for again", async (t) => {
  const files = { "entry.js": "" };
  const page = await begin(t, files);
  await page.run();
  await assert.rejects(page.client.load("./a.js", at("entry.js")), /Failed to fetch dynamically imported module/);
  files["a.js"] = "export const a = 1;";
  assert.equal((await page.client.load("./a.js", at("entry.js"))).a, 1);
});

test("bytes that are not those of which the facts speak are not run", async (t) => {
  const page = await begin(t, { "entry.js": 'import "./a.js";', "a.js": "one()" }, { fail: { "a.js": "two()" } });
  await assert.rejects(page.run(), /^Error: version$/);
});

test("what peers do not bring comes from the server, and is told", async (t) => {
  const files = { "entry.js": 'import "./a.js";', "a.js": "log.push('a');" };
  const page = await begin(t, files, { shared: ["entry.js", "a.js"], fail: { "a.js": files["a.js"] } });
  const { settle } = await page.run();
  settle();
  settle();
  await flush();
  assert.deepEqual(globalThis.log, ["a"]);
  assert.deepEqual(
    page.finished.map(({ url, reason, bytesFromServer }) => [url, reason, bytesFromServer]),
    [
      [at("a.js"), "peers", files["a.js"].length],
      [at("entry.js"), undefined, 0],
    ],
  );
  assert.deepEqual(page.asked(), ["a.js?viraljs=part", "a.js"]);
});

test("a module that came later is told of when it has run", async (t) => {
  const page = await begin(t, { "entry.js": "", "a.js": "" }, { shared: ["a.js"] });
  await page.run();
  await page.client.load("./a.js", at("entry.js"));
  await flush();
  assert.deepEqual(
    page.finished.map(({ url }) => url),
    [at("a.js")],
  );
});

test("not more than six are delivered by peers at a time", async (t) => {
  const names = Array.from({ length: 20 }, (_, number) => `part${number}.js`);
  const files = Object.fromEntries(names.map((name) => [name, `log.push("${name}");`]));
  files["entry.js"] = names.map((name) => `import "./${name}";`).join("");
  const page = await begin(t, files, { shared: names });
  await page.run();
  assert.deepEqual(globalThis.log, names);
  assert.equal(page.most(), 6);
});

test("links that would have the browser preload a module begin its delivery instead, and stay", async (t) => {
  const page = await begin(t, { "entry.js": "", "a.js": "export const a = 1;" });
  await page.run();
  const { document, window } = globalThis;
  const link = (rel, href) => document.head.appendChild({ rel, href });
  assert.equal(link("modulepreload", at("a.js")).rel, "viraljs");
  assert.equal(link("stylesheet", at("a.css")).rel, "stylesheet");
  assert.equal(link("modulepreload", "https://b.example/x.js").rel, "modulepreload");
  await flush();
  assert.deepEqual(page.asked().slice(1), ["a.js?viraljs=part", "a.js"]);
  await page.client.load("./a.js", at("entry.js"));
  assert.equal(page.fetched.length, 3);
  assert.equal(page.appended.length, 3);
  window.viraljsNative = true;
  assert.equal(link("modulepreload", at("b.js")).rel, "modulepreload");
});
