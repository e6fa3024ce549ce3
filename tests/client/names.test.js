import assert from "node:assert/strict";
import test from "node:test";
import { renameErrors } from "../../viraljs/client/names.js";
import { fakePage, patch } from "./support.js";

class FakeErrorEvent extends Event {
  constructor(type, { cancelable, ...fields }) {
    super(type, { cancelable });
    Object.assign(this, fields);
  }
}

/** A page where `blob:a` stands for `/a.js`; `fire` gives the file names that a listener hears, and if it was handled. */
function begin(t, { handle = false } = {}) {
  const { window } = fakePage(t);
  patch(t, { ErrorEvent: FakeErrorEvent });
  renameErrors((url) => (url === "blob:a" ? "/a.js" : undefined));
  const heard = [];
  window.addEventListener("error", (event) => {
    heard.push([event.filename, event.message, event.lineno]);
    if (handle) event.preventDefault();
  });
  const fire = (filename) => {
    const going = new FakeErrorEvent("error", { filename, message: "on purpose", lineno: 7, cancelable: true });
    return !window.dispatchEvent(going);
  };
  return { fire, heard };
}

test("an error of what runs from elsewhere is heard once, under the name that its page knows", (t) => {
  const { fire, heard } = begin(t);
  assert.equal(fire("blob:a"), false);
  assert.deepEqual(heard, [["/a.js", "on purpose", 7]]);
});

test("other errors are heard as they are", (t) => {
  const { fire, heard } = begin(t);
  fire("/b.js");
  assert.deepEqual(heard, [["/b.js", "on purpose", 7]]);
});

test("who handles it has handled it", (t) => {
  const { fire } = begin(t, { handle: true });
  assert.equal(fire("blob:a"), true);
});
