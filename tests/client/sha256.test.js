import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";
import { sha256, sha256Sync } from "../../viraljs/client/sha256.js";
import { createRandom } from "./support.js";

const SLICE_BYTES = 1024 * 1024;
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const reference = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** FIPS 180-2, appendix B, and NIST's examples. */
const VECTORS = [
  ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  [
    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  ],
  [
    "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
    "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
  ],
  ["a".repeat(1e6), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
];

test("the vectors of FIPS 180 come out", async () => {
  for (const [text, digest] of VECTORS) {
    const bytes = new TextEncoder().encode(text);
    assert.equal(hex(sha256Sync(bytes)), digest);
    assert.equal(hex(await sha256(bytes)), digest);
  }
});

test("every length around the block borders gives what node:crypto gives", () => {
  const random = createRandom(4);
  for (let length = 0; length <= 260; length++) {
    const bytes = random.bytes(length);
    assert.equal(hex(sha256Sync(bytes)), reference(bytes), `${length} bytes`);
  }
});

test("random lengths give what node:crypto gives, at once and in slices", async () => {
  const random = createRandom(5);
  for (let round = 0; round < 30; round++) {
    const bytes = random.bytes(random.integer(20000));
    assert.equal(hex(sha256Sync(bytes)), reference(bytes), `${bytes.length} bytes`);
    assert.equal(hex(await sha256(bytes)), reference(bytes), `${bytes.length} bytes`);
  }
});

test("a view into a larger buffer is hashed, not the buffer", () => {
  const bytes = createRandom(6).bytes(500);
  for (const [from, to] of [
    [1, 500],
    [3, 131],
    [499, 500],
  ]) {
    assert.equal(hex(sha256Sync(bytes.subarray(from, to))), reference(bytes.subarray(from, to)));
  }
});

test("a hash of several slices is right at the borders of slices", async () => {
  for (const length of [SLICE_BYTES - 1, SLICE_BYTES, SLICE_BYTES + 1, 2 * SLICE_BYTES, 2 * SLICE_BYTES + 77]) {
    const bytes = Buffer.alloc(length, "viral");
    assert.equal(hex(await sha256(bytes)), reference(bytes), `${length} bytes`);
  }
});

test("two hashes in slices at the same time do not mix", async () => {
  const inputs = [Buffer.alloc(2 * SLICE_BYTES + 5, "one"), Buffer.alloc(3 * SLICE_BYTES, "other")];
  const digests = await Promise.all(inputs.map(sha256));
  assert.deepEqual(digests.map(hex), inputs.map(reference));
});

test("a long hash leaves the event loop room", async () => {
  let turns = 0;
  const count = setInterval(() => turns++, 0);
  await sha256(new Uint8Array(4 * SLICE_BYTES));
  clearInterval(count);
  assert.ok(turns > 0);
});
