"""Where a module imports, and where it only seems to."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viraljs.modules import AT_A_TIME, is_available, is_path, read_module


def read(data):
    return read_module(data, lambda: None)


def facts(code):
    found = read(code if isinstance(code, bytes) else code.encode())
    assert found is not None, code
    return found


def imports(code):
    """List the declarations of a module, as written, with their specifiers as written."""
    data = code if isinstance(code, bytes) else code.encode()
    return [
        (data[one.start : one.start + one.length].decode(), data[one.start + one.at :][: one.long].decode())
        for one in facts(data).declarations
    ]


def calls(code):
    """List what follows each keyword of a dynamic import."""
    data = code.encode()
    assert all(data[at : at + 6] == b"import" for at in facts(data).calls)
    return [data[at + 6 : at + 12].decode() for at in facts(data).calls]


def metas(code):
    data = code.encode()
    assert all(data[at : at + 11] == b"import.meta" for at in facts(data).metas)
    return list(facts(data).metas)


def test_the_parser_is_there():
    assert is_available()


@pytest.mark.parametrize("gone", ["tree_sitter", "tree_sitter_javascript"])
def test_without_one_of_its_two_packages_the_parser_is_not_available(monkeypatch, gone):
    monkeypatch.setitem(sys.modules, gone, None)
    assert not is_available()


def test_a_parser_that_is_too_old_is_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "tree_sitter", ModuleType("tree_sitter"))
    assert not is_available()


def test_it_pauses_all_along_and_characters_may_lie_across_a_pause():
    pauses = []
    facts = read_module(("é" * 50_000).join(["/*", '*/ import "./b.js";']).encode(), lambda: pauses.append(1))
    assert facts is not None
    assert [one.specifier for one in facts.declarations] == ["./b.js"]
    assert len(pauses) > 100_000 // AT_A_TIME


# Declarations ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "specifier"),
    [
        ('import "./a.js";', '"./a.js"'),
        ("import './a.js'", "'./a.js'"),
        ('import a from "./a.js";', '"./a.js"'),
        ('import * as ns from "./a.js";', '"./a.js"'),
        ('import a, { b as c, default as d } from "./a.js";', '"./a.js"'),
        ('import a, * as ns from "./a.js";', '"./a.js"'),
        ('import{a as b,"a string" as c}from"./a.js";', '"./a.js"'),
        ('import {} from "./a.js";', '"./a.js"'),
        ('import from_ from "./a.js";', '"./a.js"'),
        ('import { from } from "./a.js";', '"./a.js"'),
        ('import source from "./a.js";', '"./a.js"'),
        ('export * from "./a.js";', '"./a.js"'),
        ('export * as ns from "./a.js";', '"./a.js"'),
        ('export { a as default, b } from "./a.js";', '"./a.js"'),
        ('export { default } from "./a.js";', '"./a.js"'),
        ('export{a as "a string"}from"./a.js";', '"./a.js"'),
        ("import {\n  a, // from './b.js'\n  b,\r\n} /* from './c.js' */ from\n'./a.js'", "'./a.js'"),
        ('import ä from "./größe.js";', '"./größe.js"'),
    ],
)
def test_a_declaration_is_found_whole_with_its_specifier(code, specifier):
    assert imports(f"const before = 1;\n{code}\nafter();") == [(code, specifier)]


def test_declarations_keep_their_order_wherever_they_stand():
    code = "one();import'./a.js';export*from'./b.js';let x=import.meta;import c from'./c.js';export{x};"
    assert [specifier for _, specifier in imports(code)] == ["'./a.js'", "'./b.js'", "'./c.js'"]


def test_offsets_are_bytes():
    code = "'Grüße 🎉'; import './a.js'; import('./b.js'); import.meta"
    assert imports(code) == [("import './a.js';", "'./a.js'")]
    assert (calls(code), len(metas(code))) == (["('./b."], 1)


def test_a_byte_order_mark_counts():
    assert facts(b"\xef\xbb\xbfimport './a.js'").declarations[0].start == 3


@pytest.mark.parametrize("end", ["\n", "\r\n", "\u2028", "\u2029", ";", "// a comment\n", "// one\u2028"])
def test_any_end_of_line_ends_a_declaration(end):
    found = imports(f"import a from './a.js'{end}import b from './b.js'{end}a(b)")
    assert [specifier for _, specifier in found] == ["'./a.js'", "'./b.js'"]


@pytest.mark.parametrize(
    ("code", "part"),
    [
        ("import './a.js'", True),
        ("import '../a.js'", True),
        ("import '/a.js'", True),
        ("import 'react'", False),
        ("import 'https://cdn.example.org/a.js'", False),
        ("import a from './a.json' with { type: 'json' }", False),
    ],
)
def test_javascript_named_by_a_path_is_a_part(code, part):
    assert [one.is_part for one in facts(code).declarations] == [part]


@pytest.mark.parametrize(
    "code",
    [
        "export const a = 1; export default a; export { a as b };",
        "export default function () {}",
        "export default class { static import() {} }",
        "export {};",
    ],
)
def test_exports_of_its_own_are_left_where_they_are(code):
    assert imports(code) == []


# What only looks like one ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "// import './a.js'; import('./b.js'); import.meta",
        "/* import './a.js';\n import('./b.js') */",
        "const a = \"import './a.js'\", b = 'import(\"./b.js\")', c = `import('./c.js') import.meta`;",
        "const a = /import\\('.\\/a.js'\\)/, b = 1 / 2 / import_, c = /[/]import('.')/;",
        "const o = { import: 1, 'import': 2, import() {} }; o.import('./a.js'); o?.import('./a.js'); o.import.meta;",
        "class A { import() {} static import = 1; #import = 2; get import() { return this.#import; } }",
        "const important = 1, $import = 2; important(); $import('./a.js');",
        "function f() { return new.target; }",
    ],
)
def test_nothing_is_found_where_nothing_is_imported(code):
    found = facts(code)
    assert (found.declarations, found.calls, found.metas, found.literals) == ((), (), (), ())


def test_code_inside_templates_is_code():
    code = "const a = `text ${await import(`./${b}.js`)} import('no') ${import.meta.url}`;"
    assert (calls(code), len(metas(code))) == (["(`./${"], 1)


# Dynamic imports and import.meta -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "literal"),
    [
        ("import('./a.js')", "./a.js"),
        ('import("./a.js",)', "./a.js"),
        ("import(`./a.js`)", "./a.js"),
        ("import(/* webpackChunkName: 'a' */ './a.js')", "./a.js"),
        ("import('react')", "react"),
        ("import('./' + name)", None),
        ("import(`./${name}.js`)", None),
        ("import(name)", None),
        ("import(import('./x.js'))", "./x.js"),
    ],
)
def test_what_a_dynamic_import_names_is_known_where_it_is_written_out(code, literal):
    assert facts(code).literals == (() if literal is None else (literal,))
    assert facts(code).calls[0] == 0


def test_every_dynamic_import_and_every_meta_is_found():
    code = (
        "const f=()=>import('./a.js').then(m=>m.b),g=async()=>(await import(f)).c;"
        "new URL('d',import.meta.url);import.meta.e"
    )
    assert (len(calls(code)), len(metas(code))) == (2, 2)


@pytest.mark.parametrize("code", ["//# sourceURL=x.js", "a();\n//@ sourceURL=x.js", "//#  sourceURL=x"])
def test_a_name_of_its_own_is_noticed(code):
    assert facts(code).named


def test_without_one_it_has_none():
    assert not facts("a();\n//# sourceMappingURL=a.js.map").named


@pytest.mark.parametrize("taken", ["", "v____0 v_________0", "v____0 v____1 'v_________0'"])
def test_names_are_as_long_as_what_they_stand_for_and_not_in_the_file(taken):
    found = facts(f"'{taken.replace(chr(39), '')}'; import.meta")
    assert (len(found.call_name), len(found.meta_name)) == (len("import"), len("import.meta"))
    assert found.call_name.isidentifier()
    assert found.meta_name.isidentifier()
    assert found.call_name not in taken
    assert found.meta_name not in taken


# What is left to the browser ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "import {",
        "const = 1",
        "import defer * as a from './a.js'",
        "import source a from './a.wasm'",
        "import.source('./a.wasm')",
        "import.defer('./a.js')",
        "import('./a.json', { with: { type: 'json' } })",
        "import()",
        "import(...a)",
        "import './a.js'\rimport './b.js'",
        "// a comment\rimport './a.js'",
        "import . meta",
        "import/**/.meta",
        "import './\\u0061.js'",
        "function f() { import './a.js' }",
        "{ import './a.js' }",
        b"const a = '\xff\xfe'; import '\xff';",
    ],
)
def test_what_the_parser_does_not_know_or_the_client_could_not_replace_is_refused(code):
    assert read(code if isinstance(code, bytes) else code.encode()) is None


# Random programs ---------------------------------------------------------------------------------------

HARMLESS = [
    *("a();", "'import(1)'", "`${b}`;", "/import.meta/.test(c);", "// import './no.js'\n", "/* import.meta */", "\n"),
    *("({import:1});", "x=1/2/3;", "if(d){e()}", "'ü🎉';", "\r\n", ";", "class F{import(){}}", "for(;;)break;"),
]
MEANT = [("import './a.js';", 0), ("import('./b.js');", 1), ("import.meta.url;", 2), ("export * from './c.js';", 0)]


@given(st.lists(st.one_of(st.sampled_from(HARMLESS), st.sampled_from(MEANT))))
def test_as_much_is_found_as_was_put_in(parts):
    code = ""
    expected: list[list[int]] = [[], [], []]
    for part in parts:
        text, kind = part if isinstance(part, tuple) else (part, None)
        code += "" if not code or code.endswith((";", "\n", "}", "/")) else ";"
        if kind is not None:
            expected[kind].append(len(code.encode()))
        code += text

    found = facts(code)

    assert [[one.start for one in found.declarations], list(found.calls), list(found.metas)] == expected


@given(st.text())
def test_whatever_is_read_nothing_is_raised(text):
    read(text.encode("utf-8", "surrogatepass"))


@given(st.binary())
def test_whatever_bytes_are_read_nothing_is_raised(data):
    read(data)


# The island --------------------------------------------------------------------------------------------


def test_the_client_gets_places_and_names():
    found = facts("import a, { b } from './a.js';import 'react';import('./b.js');import.meta")
    assert found.as_island() == {
        "imports": [[0, 30, 21, 8, "./a.js", 1], [30, 15, 7, 7, "react", 0]],
        "calls": (45,),
        "metas": (62,),
        "named": False,
        "names": ["v____0", "v_________0"],
    }


@pytest.mark.parametrize(
    ("specifier", "expected"),
    [
        ("./a", True),
        ("../a", True),
        ("/a", True),
        ("//host/a", False),
        ("a", False),
        (".a", False),
        ("http://a", False),
    ],
)
def test_a_path_is_what_begins_like_one(specifier, expected):
    assert is_path(specifier) is expected
