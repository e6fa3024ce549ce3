import assert from "node:assert/strict";
import test from "node:test";
import { gzipSync } from "node:zlib";
import { inflate } from "../../viraljs/client/inflate.js";
import { createRandom } from "./support.js";

const pack = (bytes) => new Uint8Array(gzipSync(bytes));

test("what was compressed comes back, whatever it was", async () => {
  const random = createRandom(20);
  for (const length of [1, 100, 65_536, 300_000]) {
    for (const bytes of [random.bytes(length), new Uint8Array(length), Buffer.from("abc".repeat(length / 3 + 1))]) {
      assert.deepEqual(Buffer.from(await inflate(pack(bytes), bytes.length)), Buffer.from(bytes));
    }
  }
});

test("one that holds more than it should rejects: by a byte, or by a thousand times", async () => {
  await assert.rejects(inflate(pack(new Uint8Array(101)), 100), RangeError);
  await assert.rejects(inflate(pack(new Uint8Array(10_000_000)), 10_000), RangeError);
});

test("a bomb is not inflated to its end", async (t) => {
  let inflated = 0;
  const Original = globalThis.DecompressionStream;
  t.mock.method(globalThis, "DecompressionStream", function fake(format) {
    const { readable, writable } = new Original(format);
    const counter = new TransformStream({
      transform(chunk, controller) {
        inflated += chunk.length;
        controller.enqueue(chunk);
      },
    });
    return { readable: readable.pipeThrough(counter), writable };
  });
  const size = 100_000_000;
  await assert.rejects(inflate(pack(new Uint8Array(size)), 10_000), RangeError);
  assert.ok(inflated > 0 && inflated < size / 10, `${inflated} bytes`);
});

test("one that holds less rejects", async () => {
  await assert.rejects(inflate(pack(new Uint8Array(99)), 100), RangeError);
  await assert.rejects(inflate(pack(new Uint8Array(0)), 100), RangeError);
});

test("one that is cut off, changed or no gzip at all rejects", async () => {
  const random = createRandom(21);
  const bytes = random.bytes(10_000);
  const packed = pack(bytes);
  for (const length of [0, 5, 11, 5000, packed.length - 1])
    await assert.rejects(inflate(packed.slice(0, length), 10_000));
  for (const at of [0, 1, 2, packed.length - 6]) {
    const changed = packed.slice();
    changed[at] ^= 0xff;
    await assert.rejects(inflate(changed, 10_000), `byte ${at}`);
  }
  await assert.rejects(inflate(bytes, 10_000));
});
