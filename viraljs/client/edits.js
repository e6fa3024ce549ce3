/** Makes a module fit to run from a `blob:` URL. Knows nothing of JavaScript: the server has said what stands where. */

const IMPORT_BYTES = 6;
const META_BYTES = 11;

/**
 * Rewrite a module. Lines and columns stay what they are, so that stack traces and source maps hold: declarations are
 * blanked out and follow at the end, in their order, and keywords give way to names of the same length.
 *
 * @param {Uint8Array} bytes
 * @param {import("./types.js").ModuleFacts} facts
 * @param {(specifier: string, isPart: boolean) => string} addressOf
 * @param {string} helper address of a module that exports `load` and `meta`; empty where neither is needed
 * @param {string} url of the module
 * @returns {(Uint8Array | string)[]} parts of the new text
 */
export function rewrite(bytes, { imports, calls, metas, names, named }, addressOf, helper, url) {
  const decoder = new TextDecoder();
  /** @type {(start: number, end: number) => string} */
  const text = (start, end) => decoder.decode(bytes.subarray(start, end));
  /** @typedef {[start: number, end: number, replacement: string]} Edit */
  /** @type {Edit[]} */
  const edits = [
    ...imports.map(
      ([start, length]) => /** @type {Edit} */ ([start, start + length, blank(text(start, start + length))]),
    ),
    ...calls.map((start) => /** @type {Edit} */ ([start, start + IMPORT_BYTES, names[0]])),
    ...metas.map((start) => /** @type {Edit} */ ([start, start + META_BYTES, names[1]])),
  ];
  const parts = [];
  let at = 0;
  for (const [start, end, replacement] of edits.sort(([one], [other]) => one - other)) {
    parts.push(bytes.subarray(at, start), replacement);
    at = end;
  }
  // The file may end in a comment.
  parts.push(bytes.subarray(at), "\n;");
  for (const [start, length, offset, long, specifier, isPart] of imports) {
    const address = JSON.stringify(addressOf(specifier, !!isPart));
    parts.push(text(start, start + offset), address, text(start + offset + long, start + length), "\n;");
  }
  if (helper) parts.push(`import{load as ${names[0]},meta as ${names[1]}}from${JSON.stringify(helper)};`);
  if (!named) parts.push(`\n//# sourceURL=${url}`);
  return parts;
}

/**
 * The semicolon keeps what comes before it from what follows.
 *
 * @param {string} text
 */
const blank = (text) => `;${text.slice(1).replace(/[^\n\r\u2028\u2029]/g, " ")}`;
