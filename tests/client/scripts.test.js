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

test("a copy keeps its place among other scripts, even of an async one", (t) => {
  patch(t, { document: { createElement: () => new FakeScript() } });
  assert.equal(copyScript(new FakeScript({ async: "" })).async, false);
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
