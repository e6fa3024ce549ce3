/** Modules for tests, with the facts that the server would give of them. */

import { createHash } from "node:crypto";

const bytesOf = (text) => new TextEncoder().encode(text);
const offset = (code, at) => bytesOf(code.slice(0, at)).length;

/** What stands where in simple code: a declaration is one that ends with `"specifier";`. */
export function factsOf(code) {
  const found = (pattern) => [...code.matchAll(pattern)];
  return {
    imports: found(/(?:import|export)\b[^;("]*("[^"]*")[^;"]*;/g).map(({ 0: text, 1: quoted, index }) => {
      const specifier = quoted.slice(1, -1);
      const at = text.indexOf(quoted);
      return [
        ...[offset(code, index), bytesOf(text).length, bytesOf(text.slice(0, at)).length, bytesOf(quoted).length],
        ...[specifier, Number(/^\.{0,2}\//.test(specifier))],
      ];
    }),
    calls: found(/import\(/g).map(({ index }) => offset(code, index)),
    metas: found(/import\.meta/g).map(({ index }) => offset(code, index)),
    named: /sourceURL/.test(code),
    names: ["v____0", "v_________0"],
  };
}

/** The island of a module, as `?viraljs=part` gives it; with a ticket, peers have a part in it. */
export const islandOf = (code, { ticket } = {}) => ({
  size: bytesOf(code).length,
  digest: createHash("sha256").update(code).digest("hex"),
  module: factsOf(code),
  ...(ticket && { ticket }),
});
