/** Tells the server, and the browser's next visit, what became of a delivery. */

import { readCookie, writeCookie } from "./cookies.js";
import { endpoint, pagePath } from "./urls.js";

/** More failures than any server waits for. */
const MANY = 999;
/** Reasons that stay in this browser: a policy of the page, or something that meddles with its scripts. */
const OUT_OF_ACTION = /^(blocked|silent)$/;
/** Reasons for which nothing was tried that could have failed. */
const UNTRIED = /^(consent|breaker|blocking|no-timing|native)$/;

/**
 * @param {import("./types.js").ReceivingIsland} island
 * @param {string} src of the bundle
 * @param {import("./types.js").Delivery} record
 */
export function report(island, src, record) {
  keepCount(island, record);
  // The server knows of those that it named; others have introduced themselves.
  const uploads = record.uploads.filter(({ seeder }) => island.ticket.includes(`~${seeder}`));
  const told = { ...record, uploads, ticket: island.ticket, page: pagePath() };
  navigator.sendBeacon?.(endpoint(island, src, "report"), JSON.stringify(told));
}

/**
 * Count failures in a row in a cookie; the server leaves a browser alone that has too many.
 *
 * @param {import("./types.js").ReceivingIsland} island
 * @param {import("./types.js").Delivery} record
 */
function keepCount({ breaker: [name, seconds] }, record) {
  const failures = readCookie(name) ?? 0;
  if (record.reason && UNTRIED.test(record.reason)) return;
  // What this page's policy forbids will not go better next time.
  if (record.reason && record.source === "server") {
    writeCookie(name, OUT_OF_ACTION.test(record.reason) ? MANY : failures + 1, seconds);
  } else if (failures) writeCookie(name, 0, 0);
}
