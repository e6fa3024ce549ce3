import assert from "node:assert/strict";
import { createHash, webcrypto } from "node:crypto";
import test from "node:test";
import { findHash, fromBase64, toHex } from "../../viraljs/client/digest.js";
import { CLIENT, createRandom, patch, SRC } from "./support.js";

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
