import assert from "node:assert/strict";
import test from "node:test";
import { accept, addCandidates, describe } from "../../viraljs/client/connection.js";
import { FakeConnection, fakeClock, flush } from "./support.js";

/** Describe a fake connection; says what became of it so far. */
function begin(connection = new FakeConnection()) {
  const late = [];
  const seen = { sdp: null, error: null };
  describe(connection, (candidate) => late.push(candidate)).then(
    (sdp) => {
      seen.sdp = sdp;
    },
    (error) => {
      seen.error = error;
    },
  );
  return { connection, late, seen };
}

test("the first candidate ends the wait, and is in the description", async () => {
  const { connection, late, seen } = begin();
  await flush();
  assert.equal(seen.sdp, null);
  connection.find("candidate:1");
  await flush();
  assert.equal(seen.sdp, "v=0\ncandidate:1");
  assert.deepEqual(late, []);
});

test("candidates of the same moment as the first are in the description, and not told again", async () => {
  const { connection, late, seen } = begin();
  connection.find("candidate:1");
  connection.find("candidate:2");
  await flush();
  assert.equal(seen.sdp, "v=0\ncandidate:1\ncandidate:2");
  assert.deepEqual(late, []);
});

test("candidates that come before the description is set are in it, and not told again", async () => {
  const connection = new FakeConnection();
  let set;
  connection.describing = new Promise((resolve) => {
    set = resolve;
  });
  const { late, seen } = begin(connection);
  connection.find("candidate:1");
  await flush();
  assert.equal(seen.sdp, null);
  connection.find("candidate:2");
  set();
  await flush();
  assert.equal(seen.sdp, "v=0\ncandidate:1\ncandidate:2");
  assert.deepEqual(late, []);
});

test("candidates that come after the description are told one by one; the end of them is not", async () => {
  const { connection, late } = begin();
  connection.find("candidate:1");
  await flush();
  connection.find("candidate:2");
  connection.find("candidate:3");
  connection.find(null);
  assert.deepEqual(late, ["candidate:2", "candidate:3"]);
});

test("it takes no timer, which pages in the background get once a minute", async (t) => {
  const clock = fakeClock(t);
  begin();
  await flush();
  assert.deepEqual(clock.waits(), []);
});

test("the end of gathering without a candidate ends the wait", async () => {
  const { connection, late, seen } = begin();
  connection.find(null);
  await flush();
  assert.equal(seen.sdp, "v=0");
  assert.deepEqual(late, []);
});

test("a browser that can't describe rejects it", async () => {
  const connection = new FakeConnection();
  connection.setLocalDescription = () => Promise.reject(new Error("closed"));
  const { seen } = begin(connection);
  await flush();
  assert.equal(seen.error.message, "closed");
});

test("candidates are added to the only media section", () => {
  const connection = new FakeConnection();
  addCandidates(connection, ["candidate:1", "candidate:2"]);
  assert.deepEqual(connection.added, [
    { candidate: "candidate:1", sdpMid: "0" },
    { candidate: "candidate:2", sdpMid: "0" },
  ]);
});

test("a candidate that the browser refuses does not keep the others back", async (t) => {
  const debug = t.mock.method(console, "debug", () => {});
  const connection = new FakeConnection();
  connection.taking = Promise.reject(new Error("unknown ufrag"));
  addCandidates(connection, ["candidate:1", "candidate:2"]);
  await flush();
  assert.equal(connection.added.length, 2);
  assert.equal(debug.mock.callCount(), 2);
});

test("an answer whose candidates the browser refuses is taken without them, and then each that it can use", async (t) => {
  const debug = t.mock.method(console, "debug", () => {});
  const connection = new FakeConnection();
  const asked = [];
  connection.setRemoteDescription = async ({ sdp }) => {
    asked.push(sdp);
    if (sdp.includes("a=")) throw new Error("not a candidate");
  };
  await accept(connection, "v=0\r\n", ["candidate:1"]);
  assert.deepEqual(asked, ["v=0\r\na=candidate:1\r\n", "v=0\r\n"]);
  assert.deepEqual(connection.added, [{ candidate: "candidate:1", sdpMid: "0" }]);
  connection.setRemoteDescription = () => Promise.reject(new Error("closed"));
  await assert.rejects(accept(connection, "v=0\r\n", []), /closed/);
  assert.equal(debug.mock.callCount(), 0);
});
