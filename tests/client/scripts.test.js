import assert from "node:assert/strict";
import test from "node:test";
import { copyScript } from "../../viraljs/client/scripts.js";
import { FakeScript, patch } from "./support.js";

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
