import assert from "node:assert/strict";
import test from "node:test";
import { directUrl, endpoint, isOwn, pagePath, plainUrl } from "../../viraljs/client/urls.js";
import { patch } from "./support.js";

const HOST = "https://a.example";

test("a URL without our mark stays as its page wrote it", () => {
  for (const url of [
    "/app.js",
    "/app.js?v=1",
    "/app.js?v=1&w=a%26b",
    `${HOST}/a/b.js?x#y`,
    "/app.js?notviraljs=1",
    "/viraljs=1/app.js",
  ]) {
    assert.equal(plainUrl(url), url);
  }
});

test("our mark is taken away wherever it stands in the query", () => {
  const plain = {
    "/app.js?viraljs=direct": "/app.js",
    "/app.js?v=1&viraljs=direct": "/app.js?v=1",
    "/app.js?viraljs=direct&v=1": "/app.js?v=1",
    "/app.js?v=1&viraljs=direct&w=2": "/app.js?v=1&w=2",
    "/app.js?viraljs=": "/app.js",
    "/app.js?viraljs=behind#part": "/app.js#part",
    "/app.js?v=1&viraljs=behind#part?&": "/app.js?v=1#part?&",
  };
  for (const [url, expected] of Object.entries(plain)) assert.equal(plainUrl(url), expected);
});

test("the direct URL is the path that the server named, where the script is", () => {
  const at = (src, url = "/app.js?v=1") => directUrl({ url, direct: `/viraljs/direct/mark${url}` }, src);
  assert.equal(at(`${HOST}/app.js?v=1`), `${HOST}/viraljs/direct/mark/app.js?v=1`);
  assert.equal(at(`${HOST}/app.js?v=1&viraljs=behind#top`), `${HOST}/viraljs/direct/mark/app.js?v=1`);
  const mounted = { url: "/a/app.js", direct: "/a/viraljs/direct/mark/app.js" };
  assert.equal(directUrl(mounted, `${HOST}/a/app.js`), `${HOST}/a/viraljs/direct/mark/app.js`);
});

test("a page is where its document came from, whatever its address is now", (t) => {
  const location = { href: "https://a.example/other?x" };
  for (const [entries, path] of [
    [[{ name: "https://a.example/shop?item=1#top" }], "/shop"],
    [[], "/other"],
  ]) {
    patch(t, { location, performance: { getEntriesByType: () => entries } });
    assert.equal(pagePath(), path);
  }
});

test("an app that does not know where its site has it is found there all the same", () => {
  const island = { url: "/app.js", direct: "/viraljs/direct/mark/app.js" };
  assert.equal(directUrl(island, `${HOST}/shop/app.js`), `${HOST}/shop/viraljs/direct/mark/app.js`);
  // Something renames it on the way: what is behind the other name, nobody knows.
  assert.equal(directUrl(island, `${HOST}/app.min.js`), `${HOST}/app.min.js?viraljs=direct`);
});

test("without such a path a query asks: it keeps the script's own, drops the fragment and asks once", () => {
  const direct = {
    "/app.js": "/app.js?viraljs=direct",
    "/app.js?v=1": "/app.js?v=1&viraljs=direct",
    "/app.js?viraljs=direct": "/app.js?viraljs=direct",
    "/app.js?v=1&viraljs=direct": "/app.js?v=1&viraljs=direct",
    "/app.js#top": "/app.js?viraljs=direct",
    "/app.js?v=1#?top": "/app.js?v=1&viraljs=direct",
    [`${HOST}/app.js?v=a?b`]: `${HOST}/app.js?v=a?b&viraljs=direct`,
  };
  for (const [url, expected] of Object.entries(direct)) assert.equal(directUrl({ url: "/app.js" }, url), expected);
});

test("to ask for the direct URL twice is to ask for it once, and it leads back to the plain one", () => {
  for (const url of ["/app.js", "/app.js?v=1", "/app.js?a&b=&c=d", `${HOST}/x.js?y`]) {
    const direct = directUrl({ url }, url);
    assert.equal(directUrl({ url }, direct), direct);
    assert.equal(plainUrl(direct), url);
  }
});

test("an endpoint is on the script's own origin, below the blueprint", () => {
  assert.equal(endpoint({ base: "/viraljs" }, `${HOST}/static/app.js?v=1`, "report"), `${HOST}/viraljs/report`);
  assert.equal(endpoint({ base: "/a/viraljs" }, `${HOST}:8443/app.js`, ""), `${HOST}:8443/a/viraljs/`);
});

test("a URL is the page's own by scheme, host and port", (t) => {
  patch(t, { window: { origin: HOST } });
  assert.equal(isOwn(`${HOST}/app.js`), true);
  for (const other of ["http://a.example", "https://b.a.example", "https://a.example:8443"]) {
    assert.equal(isOwn(`${other}/app.js`), false);
  }
});
