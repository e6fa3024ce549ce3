import assert from "node:assert/strict";
import test from "node:test";
import { allCookies, readCookie, writeCookie } from "../../viraljs/client/cookies.js";
import { fakePage, patch } from "./support.js";

test("the number is read from among other cookies, by its whole name", (t) => {
  patch(t, { document: { cookie: "a=x; not_viraljs=5; viraljs=3; viraljs_more=7" } });
  assert.equal(readCookie("viraljs"), 3);
  assert.equal(readCookie("viraljs_more"), 7);
});

test("zero is a number, and not the same as none", (t) => {
  patch(t, { document: { cookie: "viraljs=0" } });
  assert.equal(readCookie("viraljs"), 0);
});

test("a cookie that is not there, or not a number, is undefined", (t) => {
  for (const cookie of ["", "other=1", "viraljs=", "viraljs=x1", "my_viraljs=1", "a=b;viraljs"]) {
    patch(t, { document: { cookie } });
    assert.equal(readCookie("viraljs"), undefined, cookie);
  }
});

test("a page that throws at every word about cookies has none", (t) => {
  t.mock.method(console, "debug", () => {});
  const { document } = fakePage(t);
  const fail = () => assert.fail("on purpose");
  Object.defineProperty(document, "cookie", { get: fail, set: fail });
  assert.deepEqual([allCookies(), readCookie("viraljs")], ["", undefined]);
  writeCookie("viraljs", 3, 600);
});

test("a number is kept for the whole site and its time, and is not sent from other sites", (t) => {
  const document = { cookie: "" };
  patch(t, { document });
  writeCookie("viraljs", 3, 600);
  assert.equal(document.cookie, "viraljs=3; path=/; max-age=600; samesite=lax");
  assert.equal(readCookie("viraljs"), 3);
});

test("a value need not be a number, and no seconds forget it", (t) => {
  const document = { cookie: "" };
  patch(t, { document });
  writeCookie("viraljs_kept", "01ab.02cd", 600);
  assert.equal(document.cookie, "viraljs_kept=01ab.02cd; path=/; max-age=600; samesite=lax");
  writeCookie("viraljs_kept", "", 0);
  assert.equal(document.cookie, "viraljs_kept=; path=/; max-age=0; samesite=lax");
});

test("an element named cookie does not stand before the cookies", (t) => {
  const { document } = fakePage(t, { cookie: "viraljs=3" });
  Object.defineProperty(document, "cookie", { value: { tagName: "FORM" }, configurable: true });
  assert.equal(readCookie("viraljs"), 3);
  writeCookie("viraljs", 4, 600);
  assert.equal(readCookie("viraljs"), 4);
});

test("what the page itself puts over its cookies is asked, such as by a consent manager", (t) => {
  const { document } = fakePage(t, { cookie: "viraljs=3" });
  let written = "";
  Object.defineProperty(document, "cookie", {
    get: () => "viraljs=5",
    set(text) {
      written = text;
    },
  });
  writeCookie("viraljs", 4, 600);
  assert.deepEqual([readCookie("viraljs"), written], [5, "viraljs=4; path=/; max-age=600; samesite=lax"]);
});
