import assert from "node:assert/strict";
import test from "node:test";
import { rewrite } from "../../viraljs/client/edits.js";
import { factsOf } from "./modular.js";

const URL_OF_IT = "https://a.example/assets/entry.js";

/** Rewrite code; `addresses` has what each specifier becomes. */
async function rewritten(code, { addresses = {}, helper = "", facts = factsOf(code) } = {}) {
  const bytes = new TextEncoder().encode(code);
  const text = await new Blob(
    rewrite(bytes, facts, (specifier) => addresses[specifier] ?? specifier, helper, URL_OF_IT),
  ).text();
  return { text, before: text.slice(0, code.length), after: text.slice(code.length) };
}

test("a declaration gives way to a semicolon and as much space, and follows at the end with its address", async () => {
  const code = 'one()\nimport { a as b } from "./a.js";b()';
  const { before, after } = await rewritten(code, { addresses: { "./a.js": "blob:1" } });
  assert.equal(before, `one()\n;${" ".repeat('import { a as b } from "./a.js"'.length)}b()`);
  assert.equal(after, `\n;import { a as b } from "blob:1";\n;\n//# sourceURL=${URL_OF_IT}`);
});

test("declarations follow in their order, exports from others too, and what is no path stays as it is", async () => {
  const code =
    'import "./b.js";export * from "./a.js";import React from "react";export { x } from "https://b.example/c.js";';
  const { after } = await rewritten(code, { addresses: { "./a.js": "blob:a", "./b.js": "blob:b" } });
  assert.deepEqual(after.split("\n;").slice(1, 5), [
    'import "blob:b";',
    'export * from "blob:a";',
    'import React from "react";',
    'export { x } from "https://b.example/c.js";',
  ]);
});

test("keywords give way to names of their length, which a helper has", async () => {
  const code = 'import("./x.js").then(f);new URL("y", import.meta.url);';
  const { before, after } = await rewritten(code, { helper: "blob:helper" });
  assert.equal(before, 'v____0("./x.js").then(f);new URL("y", v_________0.url);');
  assert.match(after, /^\n;import\{load as v____0,meta as v_________0\}from"blob:helper";\n/);
});

test("every line keeps its length, in characters, whatever these are and whatever ends a line", async () => {
  for (const end of ["\n", "\r\n", "\u2028"]) {
    const code = [
      "'ü🎉';import {",
      " ä, // é",
      ' b} from "./größe.js";c("🎉", import.meta)',
      'import("x")',
      "d()",
    ].join(end);
    const { before } = await rewritten(code, { helper: "blob:helper" });
    const lengths = (text) => text.split(end).map((line) => line.length);
    assert.deepEqual(lengths(before), lengths(code));
    assert.match(before, /c\("🎉", v_________0\)/);
  }
});

test("a byte order mark and bytes that are no text stay what they are", async () => {
  const code = new Uint8Array([0xef, 0xbb, 0xbf, 0x2f, 0x2f, 0xff, 0xfe]);
  const parts = rewrite(code, factsOf(""), (same) => same, "", URL_OF_IT);
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  assert.deepEqual([...bytes.subarray(0, code.length)], [...code]);
});

test("a module that names itself keeps its name", async () => {
  const { after } = await rewritten("a();\n//# sourceURL=mine.js");
  assert.equal(after, "\n;");
});

test("attributes and comments of a declaration go with it", async () => {
  const code = 'import a /* b */ from "./a.json" with { type: "json" };';
  const facts = { ...factsOf(""), imports: [[0, code.length, 22, 10, "./a.json", 0]] };
  const { after } = await rewritten(code, { facts, addresses: { "./a.json": "https://a.example/a.json" } });
  assert.match(after, /^\n;import a \/\* b \*\/ from "https:\/\/a\.example\/a\.json" with \{ type: "json" \};\n;/);
});
