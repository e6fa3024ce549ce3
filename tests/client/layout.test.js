/** The client's house: what imports what, and that every room has its sign and its tests. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";

/** From left to right. A module imports only what is to the left of it, on its own floor or on another. */
const FLOORS = [
  [
    "types",
    "wire",
    "urls",
    "alarm",
    "builtins",
    "versions",
    "cookies",
    "scripts",
    "late",
    "trust",
    "departure",
    "limit",
    "inflate",
    "deflate",
  ],
  ["edits", "names", "moments", "place", "report"],
  ["digest", "pieces", "connection", "socket", "dependents-runner", "kept"],
  ["keep", "worker", "upload", "peer", "origin", "introduction", "download"],
  ["seeder", "module", "page"],
  ["order", "deliver"],
  ["thin", "addition", "start", "dependents", "receive", "run", "sha256"],
];
const ORDER = FLOORS.flat();
/** A file of the build each. The types of two of them are for those who load them. */
const ENTRY_POINTS = [...FLOORS.at(-1), "seeder", "module"];
/** Nothing of it runs. */
const TYPES_ONLY = "types";

const CLIENT = new URL("../../viraljs/client/", import.meta.url);
const names = (folder, ending) =>
  readdirSync(folder)
    .filter((file) => file.endsWith(ending))
    .map((file) => file.slice(0, -ending.length));
const sourceOf = (module) => readFileSync(new URL(`${module}.js`, CLIENT), "utf8");
const modules = names(CLIENT, ".js");

const importsIn = (source) => [...source.matchAll(/(?:from |import\(|import )"([^"]+)"/g)].map(([, path]) => path);
/** What a module imports, for its code or only for its types. */
const importsOf = (module) => importsIn(sourceOf(module));
/** What a module imports for its code. */
const codeOf = (module) => importsIn(sourceOf(module).replace(/\/\*[\s\S]*?\*\//g, ""));

/** A module, and all that it imports, and what these do. */
function reach(module, imports) {
  const reached = new Set([module]);
  for (const one of reached) for (const path of imports(one)) reached.add(path.slice(2, -3));
  return reached;
}

test("every module of the client is on a floor, and every floor is furnished", () => {
  assert.deepEqual([...modules].sort(), [...ORDER].sort());
});

test("a module imports only modules of the client that are to the left of it", () => {
  for (const module of modules) {
    for (const path of importsOf(module)) {
      const [, imported] = path.match(/^\.\/([a-z0-9-]+)\.js$/) ?? [];
      assert.ok(ORDER.includes(imported), `${module}.js imports ${path}, which is no module of the client`);
      assert.ok(ORDER.indexOf(imported) < ORDER.indexOf(module), `${module}.js imports ${path}, to the right of it`);
    }
  }
});

test("the check of imports sees them: the thin client reaches what it is made of", () => {
  const reached = reach("thin", importsOf);
  for (const module of ["deliver", "wire", "types"]) assert.ok(reached.has(module), module);
});

test("the thin client carries nothing of what receives and seeds: a visit that has kept the bundle needs none of it", () => {
  const reached = reach("thin", codeOf);
  assert.ok(reached.has("kept"));
  for (const module of ["download", "peer", "wire", "pieces", "upload", "keep", "deflate"]) {
    assert.ok(!reached.has(module), module);
  }
});

test("nor does it carry what is needed no sooner than the bundle: that comes while the bundle is on its way", () => {
  const [thin, run] = ["thin", "run"].map((module) => reach(module, codeOf));
  for (const module of ["run", "names", "dependents-runner"]) {
    assert.ok(!thin.has(module), module);
    assert.ok(run.has(module), module);
  }
});

test("what runs a bundle carries nothing of what receives and seeds, and nothing of the page's one object", () => {
  const reached = reach("run", codeOf);
  for (const module of ["deliver", "order", "page", "download", "peer", "wire", "pieces", "upload", "keep"]) {
    assert.ok(!reached.has(module), module);
  }
});

test("to run a script plainly takes next to nothing of the rest", () => {
  const reached = reach("place", codeOf);
  assert.deepEqual([...reached].sort(), ["builtins", "late", "place", "scripts"]);
});

test("nothing imports the code of an entry point", () => {
  for (const module of modules) {
    for (const path of codeOf(module)) {
      assert.ok(!ENTRY_POINTS.includes(path.slice(2, -3)), `${module}.js imports ${path}`);
    }
  }
});

test("the entry points are what the build makes files of", () => {
  const build = readFileSync(new URL("build.mjs", CLIENT), "utf8");
  const [, made] = build.match(/const ENTRY_POINTS = \{([^}]*)\}/);
  const built = [...made.matchAll(/"([a-z0-9-]+)\.js"/g)].map(([, module]) => module);
  assert.deepEqual(built.sort(), [...ENTRY_POINTS].sort());
});

test("every module opens by saying what it is for", () => {
  for (const module of modules) assert.match(sourceOf(module), /^\/\*\*\s*(\* )?\S/, module);
});

test("every module that runs has its tests, and every test file its module", () => {
  const files = names(new URL(".", import.meta.url), ".test.js").filter((name) => name !== "layout");
  // What takes long, or would drown the rest, may have a file beside it.
  const tested = new Set(files.map((name) => name.replace(/-failures$/, "")));
  assert.deepEqual([...tested].sort(), modules.filter((module) => module !== TYPES_ONLY).sort());
});
