// Builds the client: each entry point and all that it imports become one file of ../static, or of the folder given as
// the only argument (`make lint` builds there, to compare without touching the tree).
//
// Why each choice:
// - iife: a thin client and an addition are pasted into a classic script's response, so they can't be modules and
//   must not leave a global behind. Their template wraps them in a function whose argument is `__VIRALJS__`, the settings
//   island; here it is a free variable, which a minifier leaves alone.
// - esm for what is imported when it is needed, and kept by the browser for all bundles: receive.js where no earlier visit
//   kept the bundle, run.js for each, module.js where modules come from peers, seeder.js mostly after the app has run, sha256.js on a page of plain HTTP, which has no `crypto.subtle`.
// - es2020: newer syntax gains no bytes here and would lose old browsers for whom the rest works.
// - ascii: a response may be read in the page's encoding, whatever it is, when its own charset gets lost.
// - no legal comments: the licence is the package's; a kilobyte of it in every thin response helps nobody.
// - no source maps: the sources ship beside the build, and a map would be larger than both.

import { writeFileSync } from "node:fs";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ENTRY_POINTS = {
  iife: ["dependents.js"],
  pasted: ["thin.js", "addition.js", "start.js"],
  esm: ["receive.js", "run.js", "module.js", "seeder.js", "sha256.js"],
};

// A page's own `const URL = "/api"`, or `class Event`, at the top of a classic script hides the browser's from all scripts,
// ours included, and leaves `globalThis` as it is. Not in what runs by itself, whose constants would be such ones, too.
// Short names, since some are used often.
const NATIVES = ["URL", "Event", "CustomEvent", "Blob", "Map", "Set", "Promise", "performance", "caches", "fetch"];
const SHORT = Object.fromEntries(NATIVES.map((name, at) => [name, `$${String.fromCharCode(65 + at)}`]));

/**
 * Begin a script with the natives that it uses.
 *
 * @param {string} text
 */
function withNatives(text) {
  const used = NATIVES.filter((name) => text.includes(SHORT[name])).map((name) => `${name}:${SHORT[name]}`);
  return text.replace(/^("use strict";)?/, (strict) => (used.length ? `${strict}const{${used}}=globalThis;` : strict));
}

const here = fileURLToPath(new URL(".", import.meta.url));
const outdir = argv[2] ?? fileURLToPath(new URL("../static", import.meta.url));

for (const [kind, entryPoints] of Object.entries(ENTRY_POINTS)) {
  const { outputFiles } = await build({
    absWorkingDir: here,
    entryPoints,
    outdir,
    format: kind === "esm" ? "esm" : "iife",
    define: kind === "iife" ? {} : SHORT,
    bundle: true,
    minify: true,
    target: "es2020",
    charset: "ascii",
    legalComments: "none",
    logLevel: "warning",
    write: false,
  });
  for (const { path, text } of outputFiles) writeFileSync(path, kind === "iife" ? text : withNatives(text));
}
