import assert from "node:assert/strict";
import test from "node:test";
import { copyScript, load } from "../../viraljs/client/scripts.js";
import { FakeScript, fakePage, patch } from "./support.js";

test("a copy has all attributes but the source, and the nonce that browsers hide", (t) => {
  patch(t, { document: { createElement: () => new FakeScript() } });
  const original = new FakeScript({ src: "/app.js", crossorigin: "anonymous", "data-key": "7", nonce: "" });
  original.nonce = "secret";
  const copy = copyScript(original);
  assert.deepEqual(
    copy.attributes,
    original.attributes.filter(({ name }) => name !== "src"),
  );
  assert.equal(copy.src, "");
  assert.equal(copy.nonce, "secret");
});

test("a copy waits for no other script of the page, and none waits for it", (t) => {
  patch(t, { document: { createElement: () => new FakeScript() } });
  assert.equal(copyScript(new FakeScript({ defer: "" })).async, true);
});

test("a copy has attributes that only a parser could have made", (t) => {
  patch(t, { document: { createElement: () => new FakeScript() } });
  const original = new FakeScript({ "@click": "x" });
  const made = t.mock.method(FakeScript.prototype, "setAttribute", () => assert.fail("takes no such name"));
  assert.deepEqual(copyScript(original).attributes, original.attributes);
  assert.equal(made.mock.callCount(), 0);
});

test("a copy has no handlers: the events are the original's, and a page may let nobody write any", (t) => {
  patch(t, { document: { createElement: () => new FakeScript() } });
  const copy = copyScript(new FakeScript({ onload: "init()", onerror: "fail()", "data-on": "1" }));
  assert.deepEqual(
    copy.attributes.map(({ name }) => name),
    ["data-on"],
  );
});

for (const type of ["load", "error"]) {
  test(`a script is started, unseen in the document, and its ${type} is told at once`, (t) => {
    const { document } = fakePage(t);
    const before = [...document.all()];
    const inserted = [];
    document.inserted = (script) => inserted.push([script, script.src]);
    const told = [];
    const script = document.createElement("script");
    load(script, "blob:1", (ran) => told.push(ran));
    assert.deepEqual(inserted, [[script, "blob:1"]], "with its URL");
    assert.deepEqual([...document.all()], before);
    assert.deepEqual(told, []);
    script.end(type);
    assert.deepEqual(told, [type === "load"]);
  });
}
