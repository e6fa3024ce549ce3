import assert from "node:assert/strict";
import test from "node:test";
import { FakeTrusted, fakePage, fakeTrustedTypes } from "./support.js";

/** A page, and the module as a page loads it: its policy is made once. */
async function begin(t, prepare = () => {}) {
  const page = fakePage(t);
  const prepared = prepare(page);
  const { trust } = await import(`../../viraljs/client/trust.js?${encodeURIComponent(t.name)}`);
  return { ...page, prepared, trust };
}

test("without Trusted Types, text stays as it is", async (t) => {
  const { trust } = await begin(t);
  assert.equal(trust("blob:1"), "blob:1");
  assert.equal(trust("code", "createScript"), "code");
});

test("URLs and scripts are made fit by a policy of our name, which is made once and changes nothing", async (t) => {
  const { prepared: names, trust } = await begin(t, fakeTrustedTypes);
  assert.deepEqual(names, [], "not before one is needed");
  assert.deepEqual(trust("blob:1"), new FakeTrusted("blob:1"));
  assert.deepEqual(trust("blob:2"), new FakeTrusted("blob:2"));
  assert.deepEqual(trust("code", "createScript"), new FakeTrusted("code"));
  assert.deepEqual(trust("<script>", "createHTML"), new FakeTrusted("<script>"));
  assert.deepEqual(names, ["viraljs"]);
});

test("the kinds are told apart: a URL is no script", async (t) => {
  const { trust } = await begin(t, ({ window }) => {
    window.trustedTypes = {
      createPolicy: () => ({ createScriptURL: (text) => `URL ${text}`, createScript: (text) => `script ${text}` }),
    };
  });
  assert.equal(trust("one"), "URL one");
  assert.equal(trust("one", "createScript"), "script one");
});

test("where no policy of our name is allowed, text stays as it is, and no second one is tried", async (t) => {
  const { prepared: tried, trust } = await begin(t, ({ window }) => {
    const tried = [];
    window.trustedTypes = {
      createPolicy(name) {
        tried.push(name);
        throw new TypeError(`policy ${name} disallowed`);
      },
    };
    return tried;
  });
  assert.equal(trust("blob:1"), "blob:1");
  assert.equal(trust("code", "createScript"), "code");
  assert.deepEqual(tried, ["viraljs"]);
});
