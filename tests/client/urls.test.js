import assert from "node:assert/strict";
import test from "node:test";
import { directUrl, endpoint, isOwn, plainUrl } from "../../viraljs/client/urls.js";
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

test("the direct URL keeps the query, drops the fragment and asks once", () => {
  const direct = {
    "/app.js": "/app.js?viraljs=direct",
    "/app.js?v=1": "/app.js?v=1&viraljs=direct",
    "/app.js?viraljs=direct": "/app.js?viraljs=direct",
    "/app.js?v=1&viraljs=direct": "/app.js?v=1&viraljs=direct",
    "/app.js#top": "/app.js?viraljs=direct",
    "/app.js?v=1#?top": "/app.js?v=1&viraljs=direct",
    [`${HOST}/app.js?v=a?b`]: `${HOST}/app.js?v=a?b&viraljs=direct`,
  };
  for (const [url, expected] of Object.entries(direct)) assert.equal(directUrl(url), expected);
});

test("to ask for the direct URL twice is to ask for it once, and it leads back to the plain one", () => {
  for (const url of ["/app.js", "/app.js?v=1", "/app.js?a&b=&c=d", `${HOST}/x.js?y`]) {
    assert.equal(directUrl(directUrl(url)), directUrl(url));
    assert.equal(plainUrl(directUrl(url)), url);
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
