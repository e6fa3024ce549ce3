import assert from "node:assert/strict";
import test from "node:test";
import { renameErrors } from "../../viraljs/client/names.js";
import { fakePage } from "./support.js";

/** A page where `blob:a` stands for `/a.js`; `fire` tells it of an error, as Firefox does. */
function begin(t) {
  const { window } = fakePage(t);
  const heard = [];
  const listen = (who, capture) =>
    window.addEventListener("error", ({ filename }) => heard.push([who, filename]), capture);
  listen("first", true);
  renameErrors((url) => (url === "blob:a" ? "/a.js" : undefined));
  listen("later", false);
  const fire = (filename, target = window) => {
    const told = { filename, message: "on purpose", lineno: 7, colno: 1, error: null, cancelable: true };
    const event = new ErrorEvent("error", told);
    Object.defineProperty(event, "target", { value: target });
    window.dispatchEvent(event);
    return event.defaultPrevented;
  };
  return { fire, heard, listen, window };
}

test("all who listen hear of an error once, under the name that its page knows", (t) => {
  const { fire, heard } = begin(t);
  fire("blob:a");
  assert.deepEqual(heard, [
    ["first", "/a.js"],
    ["later", "/a.js"],
  ]);
});

test("other errors are heard as they are", (t) => {
  const { fire, heard } = begin(t);
  fire("/b.js");
  assert.deepEqual(heard, [
    ["first", "/b.js"],
    ["later", "/b.js"],
  ]);
});

test("several names are known at a time", (t) => {
  const { fire, heard } = begin(t);
  renameErrors((url) => (url === "blob:b" ? "/b.js" : undefined));
  for (const url of ["blob:a", "blob:b"]) fire(url);
  assert.deepEqual(heard.filter(([who]) => who === "first").flat(), ["first", "/a.js", "first", "/b.js"]);
});

test("window.onerror is told the name, and is the page's own before and after", (t) => {
  const { fire, window } = begin(t);
  const told = [];
  const handler = (...given) => told.push(given);
  window.onerror = handler;
  for (const url of ["blob:a", "/b.js", "blob:a"]) fire(url);
  assert.deepEqual(
    told,
    ["/a.js", "/b.js", "/a.js"].map((name) => ["on purpose", name, 7, 1, null]),
  );
  assert.equal(window.onerror, handler);
});

test("window.onerror says whether it has handled it, and may put another in its place", (t) => {
  const { fire, window } = begin(t);
  const other = () => false;
  window.onerror = () => {
    window.onerror = other;
    return true;
  };
  assert.deepEqual([fire("blob:a"), window.onerror], [true, other]);
  assert.deepEqual([fire("blob:a"), window.onerror], [false, other]);
});

test("window.onerror is left alone where it is not told: without a name of ours, or of an element's error", (t) => {
  const { fire, window } = begin(t);
  window.onerror = () => {};
  const { onerror } = window;
  window.addEventListener("error", (event) => event.stopImmediatePropagation());
  fire("/b.js");
  fire("blob:a", {});
  assert.equal(window.onerror, onerror);
});

test("where the event never got to window.onerror, the next one does, under its name", (t) => {
  const { fire, window } = begin(t);
  const told = [];
  const handler = (_, url) => told.push(url);
  window.onerror = handler;
  const stop = (event) => event.stopImmediatePropagation();
  window.addEventListener("error", stop);
  fire("blob:a");
  assert.deepEqual(told, []);
  window.removeEventListener("error", stop);
  fire("blob:a");
  assert.deepEqual(told, ["/a.js"]);
  assert.equal(window.onerror, handler);
});
