"""The addition does not change what a bundle means, whatever the bundle ends in; Node runs both to see."""

import json
import shutil
import subprocess

import pytest
from flask import Response, send_file

from tests.support.visits import add_seeder, island_of, new_app, serve_bundle, visit

# Each leaves what it did in globalThis.seen.
BUNDLES = {
    "a statement": b"globalThis.seen = 1;\n",
    "no newline": b"globalThis.seen = 1",
    "no semicolon": b"globalThis.seen = 1\n",
    "a line comment": b"globalThis.seen = 1 // the end",
    "a line comment of HTML": b"globalThis.seen = 1\n<!-- the end",
    "a block comment": b"globalThis.seen = 1 /* the end */",
    "a source map": b"globalThis.seen = 1;\n//# sourceMappingURL=app.js.map",
    "a function expression": b"globalThis.seen = 0; var f = function () { globalThis.seen = 1 }",
    "an arrow function": b"var f = globalThis.seen = () => { throw Error('called') }",
    "a call without an end": b"var f = (x) => { globalThis.seen = [globalThis.seen, typeof x] }; f",
    "an object": b"var o = globalThis.seen = { a: 1 }",
    "an identifier": b"globalThis.seen = 1; var seen = globalThis.seen; seen",
    "an incremented variable": b"var n = 1; globalThis.seen = n; n\n++n",
    "a class": b"class A { static { globalThis.seen = 1 } }",
    "a label": b"globalThis.seen = 1; end: for (;;) break end",
    "a regular expression": b"globalThis.seen = 1; var r = /a/g",
    "a template": b"globalThis.seen = 1; var t = `a`",
    "a directive": b"'use strict'; globalThis.seen = (function () { return this === undefined })()",
    "a directive and nothing else": b"'use strict'",
    "an if without braces": b"globalThis.seen = 1; if (false) globalThis.seen = 2",
    "a do loop": b"globalThis.seen = 0; do globalThis.seen++; while (false)",
    "a global": b"var island = 1, client = 2; let __VIRALJS__ = 3; globalThis.seen = island + client + __VIRALJS__",
    "a byte order mark": b"\xef\xbb\xbfglobalThis.seen = 1\n",
    "letters of all kinds": "globalThis.seen = 'h\u00e9llo \u4e16\u754c \U0001f30d \u2028'\n".encode(),
    "names of all kinds": "var \u03c0 = 3; globalThis.seen = \u03c0".encode(),
    "carriage returns": b"globalThis.seen = 1\r\n// the end\r",
    "a throw": b"globalThis.seen = 1; throw new Error('on purpose')",
}

RUN = """
const vm = require("node:vm");
let text = "";
process.stdin.setEncoding("utf8").on("data", (part) => (text += part)).on("end", () => {
  const results = JSON.parse(text).map((code) => {
    // A browser drops the mark when it decodes a script; JSON carried it here.
    const context = vm.createContext({});
    let thrown = null;
    try { vm.runInContext(code.replace(/^\\uFEFF/, ""), context); } catch (error) { thrown = String(error); }
    return [String(context.seen), thrown, Object.getOwnPropertyNames(context).sort()];
  });
  process.stdout.write(JSON.stringify(results));
});
"""


def run(*scripts):
    """Run each script alone, where there is no document; give what it saw, threw and left behind."""
    done = subprocess.run(
        ["node", "-e", RUN], input=json.dumps(scripts), capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(done.stdout)


def full_response(data, **headers):
    app = new_app()
    serve_bundle(app, lambda: Response(data, headers={"Content-Type": "text/javascript; charset=utf-8", **headers}))
    return visit(app)


@pytest.mark.parametrize("name", BUNDLES)
def test_the_bundle_comes_first_byte_for_byte_then_a_new_line_and_a_semicolon(name):
    response = full_response(BUNDLES[name])

    assert response.data.startswith(BUNDLES[name] + b"\n;(function(__VIRALJS__){")
    assert response.data[len(BUNDLES[name]) :].isascii()
    assert response.content_length == len(response.data)


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_every_bundle_does_the_same_with_the_addition_and_without():
    plain = run(*(data.decode() for data in BUNDLES.values()))
    full = run(*(full_response(data).data.decode() for data in BUNDLES.values()))

    assert dict(zip(BUNDLES, full, strict=True)) == dict(zip(BUNDLES, plain, strict=True))
    assert dict(zip(BUNDLES, plain, strict=True))["a throw"][1] == "Error: on purpose", "the bundles did run"


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_the_addition_does_nothing_where_there_is_no_document():
    addition = full_response(b";").data[1:].decode()

    ((_, thrown, names),) = run(addition)

    assert thrown is None
    assert names == []


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_in_a_worker_the_thin_client_imports_the_plain_bundle_at_once():
    app = new_app()
    serve_bundle(app, lambda: ";", "/app.js")
    add_seeder(app, b";")
    thin = visit(app, "/app.js?v=1", base_url="https://www.example.org").data
    worker = "var seen = ''; var self = { origin: 'https://www.example.org' };"

    ((seen, thrown, _),) = run(f"{worker} function importScripts(url) {{ seen += url }}\n{thin.decode()}")

    assert (seen, thrown) == ("https://www.example.org" + island_of(thin)["direct"], None)
    assert visit(app, seen, base_url="https://www.example.org").data == b";"


def test_a_charset_of_one_byte_is_kept():
    data = "seen = 'h\u00e9llo'".encode("iso-8859-1")
    response = full_response(data, **{"Content-Type": "text/javascript; charset=iso-8859-1"})

    assert response.data.startswith(data + b"\n;")
    assert response.headers["Content-Type"] == "text/javascript; charset=iso-8859-1"


def test_a_file_keeps_its_bytes_too(tmp_path):
    data = BUNDLES["a byte order mark"] + BUNDLES["letters of all kinds"]
    (tmp_path / "app.js").write_bytes(data)
    app = new_app()
    serve_bundle(app, lambda: send_file(tmp_path / "app.js"))

    assert visit(app).data.startswith(data + b"\n;")
