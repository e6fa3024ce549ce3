import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { runInThisContext } from "node:vm";
import { thePage } from "../../viraljs/client/page.js";
import { findPage, keepPage } from "../../viraljs/client/versions.js";
import { CLIENT, FakeScript, fakeClock, fakePage, fakeSockets, SRC } from "./support.js";

const newPage = () => ({ turns: new WeakMap(), last() {} });

test("before the first client there is no page object, also where an element has its name", (t) => {
  const { window } = fakePage(t);
  assert.equal(findPage(), undefined);
  Object.setPrototypeOf(window, { ViralJS: { tagName: "FORM" } });
  assert.equal(findPage(), undefined);
});

test("what is kept is found, and seen by the page", (t) => {
  const { window } = fakePage(t);
  const page = newPage();
  keepPage(page);
  assert.equal(findPage(), page);
  assert.equal(window.ViralJS, page);
});

test("the object of a client that only knew the public face is found by it", (t) => {
  const { window } = fakePage(t);
  window.ViralJS = newPage();
  assert.equal(findPage(), window.ViralJS);
});

test("something else of the page under this name stays, and ours is found all the same", (t) => {
  for (const owned of [{ value: "the app's" }, { get: () => "the app's" }, { value: { deliveries: [] } }]) {
    const { window } = fakePage(t);
    const debug = t.mock.method(console, "debug", () => {});
    Object.defineProperty(window, "ViralJS", owned);
    const before = window.ViralJS;
    assert.equal(findPage(), undefined);
    const page = newPage();
    keepPage(page);
    assert.equal(findPage(), page);
    assert.equal(window.ViralJS, before);
    assert.equal(debug.mock.callCount(), 1);
    debug.mock.restore();
  }
});

test("what the page puts there later does not hide ours", (t) => {
  const { window } = fakePage(t);
  const page = newPage();
  keepPage(page);
  window.ViralJS = "the app's";
  assert.equal(findPage(), page);
});

// What clients of two versions have of each other. It only grows: what a function takes and gives stays as it is, further
// arguments have defaults, and what is to be otherwise gets another name.

const ISLAND = { ...CLIENT, url: "/app.js", digest: "1".repeat(64), size: 1, consent: false, consentCookie: "consent" };

/** The text of a script of the last release (`docs/contributing.rst` says when it is renewed), or of today's build. */
const textOf = (folder, name) => readFileSync(new URL(`../../${folder}/${name}.js`, import.meta.url), "utf8");
const load = (folder, name) => import(`data:text/javascript,${encodeURIComponent(textOf(folder, name))}`);

/** What there is to call, with how many arguments; and what there is to read. */
const shapeOf = (object) =>
  Object.fromEntries(
    Object.entries(Object.getOwnPropertyDescriptors(object)).map(([name, { value, get }]) => [
      name,
      typeof value === "function" ? value.length : get ? "getter" : typeof value,
    ]),
  );

/** Make sure that all of an older shape is in a newer one. */
function assertKept(older, newer) {
  assert.ok(Object.keys(older).length);
  assert.deepEqual(Object.fromEntries(Object.keys(older).map((name) => [name, newer[name]])), older);
}

for (const name of ["receive", "module", "seeder", "sha256"]) {
  test(`${name}.js has what the last release's clients import from it`, async () => {
    assertKept(shapeOf(await load("tests/last_release", name)), shapeOf(await load("viraljs/static", name)));
  });
}

test("a seeder has what the last release's clients call", async (t) => {
  fakePage(t);
  fakeSockets(t);
  const made = async (folder) => (await load(folder, "seeder")).createSeeder(SRC, {});
  assertKept(shapeOf(await made("tests/last_release")), shapeOf(await made("viraljs/static")));
});

/** A page to which the last release's addition came, as its own script would bring it. */
function older(t) {
  fakeClock(t);
  const page = fakePage(t, { readyState: "loading" });
  page.document.running = new FakeScript({ src: SRC });
  runInThisContext(`(function(__VIRALJS__){ ${textOf("tests/last_release", "addition")} })`)(ISLAND);
  page.document.running = null;
  return page;
}

test("the page's object has what the last release's clients call, and so has a turn", (t) => {
  const theirs = older(t).window.ViralJS;
  const turn = theirs.begin(ISLAND);
  fakePage(t);
  const ours = thePage();
  assertKept(shapeOf(theirs), shapeOf(ours));
  assertKept(shapeOf(turn), shapeOf(ours.begin(ISLAND)));
});

test("the last release's object is the page's, for clients of today too", (t) => {
  const { window } = older(t);
  const theirs = window.ViralJS;
  const page = thePage();
  assert.equal(page, theirs);
  page.begin(ISLAND).done();
  page.finish({ url: "/b.js" });
  assert.deepEqual(
    theirs.deliveries.map(({ url }) => url),
    [SRC, "/b.js"],
  );
});
