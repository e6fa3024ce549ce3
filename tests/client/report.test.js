import assert from "node:assert/strict";
import test from "node:test";
import { report } from "../../viraljs/client/report.js";
import { CLIENT, emptyRecord, fakePage } from "./support.js";

const BREAKER = "viraljs_failures";
const ISLAND = { ...CLIENT, breaker: [BREAKER, 600, 3], ticket: "digest~me~named.time.signature" };
const SRC = "https://a.example/app.js";

/** Report a delivery in a page; gives what the server was told, and the cookie. */
function tell(t, fields, cookie = "") {
  const page = fakePage(t, { cookie });
  report(ISLAND, SRC, { ...emptyRecord(), ...fields });
  return { beacons: page.beacons, cookie: page.document.cookie };
}

test("the server hears of the record, the page, and the seeders that it named, under the ticket", (t) => {
  const uploads = ["named", "unknown"].map((seeder) => ({ seeder, bytes: 1 }));
  const { beacons } = tell(t, { source: "peers", uploads });
  assert.equal(beacons.length, 1);
  const [[url, told]] = beacons;
  assert.ok(url.endsWith("/report"));
  assert.deepEqual([told.ticket, told.page, told.source], [ISLAND.ticket, "/page", "peers"]);
  assert.deepEqual(
    told.uploads.map(({ seeder }) => seeder),
    ["named"],
  );
});

for (const [reason, before, after] of [
  ["deadline", "", 1],
  ["deadline", `${BREAKER}=1`, 2],
  ["blocked", "", 999],
  ["silent", "", 999],
]) {
  test(`${reason} after "${before}" is failure number ${after} of this browser`, (t) => {
    assert.match(
      tell(t, { source: "server", reason }, before).cookie,
      new RegExp(`^${BREAKER}=${after}; .*max-age=600;`),
    );
  });
}

for (const reason of ["consent", "breaker", "blocking", "no-timing", "native"]) {
  test(`${reason}: nothing was tried, so nothing has failed`, (t) => {
    assert.equal(tell(t, { source: "server", reason }, `${BREAKER}=2`).cookie, `${BREAKER}=2`);
  });
}

test("a success forgets the failures before it", (t) => {
  assert.match(tell(t, { source: "peers" }, `${BREAKER}=2`).cookie, new RegExp(`^${BREAKER}=0; .*max-age=0;`));
});
