import assert from "node:assert/strict";
import { createHash, webcrypto } from "node:crypto";
import test from "node:test";
import { findHash, fromBase64, HASH_MS, toHex } from "../../viraljs/client/digest.js";
import { CLIENT, createRandom, fakeClock, flush, patch, SRC } from "./support.js";

const ROUNDS = 50;

test("where the browser can hash, it does", async (t) => {
  const asked = [];
  const subtle = {
    digest(name, bytes) {
      asked.push(name);
      return webcrypto.subtle.digest(name, bytes);
    },
  };
  patch(t, { crypto: { subtle } });
  const hash = await findHash({ base: "/nowhere", client: "none" }, "https://a.example/app.js");
  const bytes = createRandom(9).bytes(1000);
  assert.equal(toHex(await hash(bytes)), createHash("sha256").update(bytes).digest("hex"));
  assert.deepEqual(asked, ["SHA-256"]);
});

test("on a page of plain http our own hash is loaded, and gives the same", async (t) => {
  const bytes = createRandom(10).bytes(1000);
  for (const crypto of [{}, undefined]) {
    patch(t, { crypto });
    const hash = await findHash(CLIENT, SRC);
    assert.equal(toHex(await hash(bytes)), createHash("sha256").update(bytes).digest("hex"));
  }
});

test("a digest that never comes is made by our own hash", async (t) => {
  const clock = fakeClock(t);
  const bytes = createRandom(12).bytes(1000);
  patch(t, { crypto: { subtle: { digest: () => new Promise(() => {}) } } });
  const hash = await findHash(CLIENT, SRC);
  const hashing = hash(bytes);
  await clock.advance(HASH_MS);
  assert.equal(toHex(await hashing), createHash("sha256").update(bytes).digest("hex"));
  // The next one does not wait for what is known to give no answer.
  assert.equal(toHex(await hash(bytes)), createHash("sha256").update(bytes).digest("hex"));
});

test("a digest that comes late was late for the page's sake: the browser hashes on", async (t) => {
  const clock = fakeClock(t);
  const answers = [];
  patch(t, { crypto: { subtle: { digest: () => new Promise((resolve) => answers.push(resolve)) } } });
  const hash = await findHash(CLIENT, SRC);
  const first = hash(Uint8Array.of(1));
  await clock.advance(HASH_MS);
  await first;
  answers[0](new ArrayBuffer(32));
  await flush();
  hash(Uint8Array.of(2));
  assert.equal(answers.length, 2);
});

test("a digest that comes in time leaves no timer behind, and one that fails is an error", async (t) => {
  const clock = fakeClock(t);
  const fail = async () => assert.fail("on purpose");
  for (const [digest, ends] of [
    [(name, bytes) => webcrypto.subtle.digest(name, bytes), "resolves"],
    [fail, "rejects"],
  ]) {
    patch(t, { crypto: { subtle: { digest } } });
    const hashing = (await findHash(CLIENT, SRC))(Uint8Array.of(1)).then(
      () => "resolves",
      () => "rejects",
    );
    assert.equal(await hashing, ends);
    await flush();
    assert.deepEqual(clock.waits(), []);
  }
});

test("base64 gives the bytes that were put into it", () => {
  const random = createRandom(11);
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = random.bytes(random.integer(100));
    assert.deepEqual(fromBase64(Buffer.from(bytes).toString("base64")), bytes);
  }
});

test("hex has two lower-case digits for each byte", () => {
  assert.equal(toHex(Uint8Array.of(0, 1, 15, 16, 171, 255)), "00010f10abff");
  assert.equal(toHex(new Uint8Array(0)), "");
});
