"""Which classic scripts import by a path, as far as that can be told without a parser."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viraljs.scanning import MOST_OPEN, ImportScan, Suspicion, imports_by_path

PATHS = {
    "a path": 'import("./chunk.js")',
    "white space": "import \n ( '../chunk.js' )",
    "a template": "return import(`/chunk.js`)",
    "a path that is put together": "import(path)",
    "a path put together in a template": "import(`${base}/x.js`)",
    "a bare name, which a map may resolve otherwise elsewhere": 'import("lodash")',
    "a URL without a scheme": 'import("//cdn.example/x.js")',
    "a comment before the path": 'import(/* webpackIgnore: true */ "./lazy.js")',
    "a comment before the parenthesis": 'import/* x */("./x")',
    "a line comment before it": 'import // x\n("./x")',
    "spread": '[...import("./x")]',
    "a substitution": '`${import("./x")}`',
    "a substitution within a substitution": '`${`${import("./x")}`}`',
    "behind a dollar": '`$${import("./x")}`',
    "within another import": 'import(f(import("https://a.example/")))',
    "behind an absolute one": 'import("https://a.example/b"); import("./c")',
    "between divisions": 'a / import("./x") / b',
    "between divisions of a parenthesis": '(a) / import("./x") / b',
    "behind an increment": 'x++ / import("./x") / 2',
    "behind a property that is called as a keyword": 'a.return / import("./x") / 1',
    "behind a number with a dot": '1./import("./x")/2',
    "behind a template and a division": "`a`/import('./x')/2",
    "behind a regular expression": 'var re = /a/g / import("./x")',
    "before a block on the next line": 'import("./x")\n{}',
    "an operator makes it relative again": 'import("https://a.example/" in a ? "./b" : c)',
    "behind a line separator": '// a\u2028import("./x")',
    "behind a condition": 'if (a) import("./x")',
    "of many parentheses": "f(((import(x))))",
}
NONE = {
    "nothing": "",
    "an absolute URL": 'import("https://a.example/chunk.js")',
    "an absolute URL and what follows": 'import("https://a.example/x").then(use)',
    "an absolute URL with attributes": 'import("https://a.example/x.json", { with: { type: "json" } })',
    "an absolute URL that is put together": 'import("https://a.example/" + name)',
    "an absolute template": "import(`https://a.example/${name}`)",
    "another word": 'reimport("./chunk.js")',
    "a string": "'import(\"./x\")'",
    "a string with an escaped quote": "'it\\'s import(\"./x\")'",
    "a string on two lines": '"a\\\r\nimport(x)"',
    "a line comment": '// import("./x")\n',
    "a last line": 'x // import("./x")',
    "a comment": '/* import("./x") **/',
    "a template": '`import("./x")`',
    "a template within a substitution": '`${`import("./x")`}`',
    "an escaped substitution": "`\\${import(x)}`",
    "a regular expression": '/import("x")/',
    "a class in it": "a = /[/'\"]import(x)/;",
    "an escaped slash in it": "/\\/import(x)/",
    "one behind a condition": "if (a) /import(x)/.test(b)",
    "one behind a condition with brackets": "if (a(b)[c]) /import(x)/.test(b)",
    "one behind a block": "{} /import(x)/.test(a)",
    "one behind a keyword": "return /import(x)/",
    "a property": 'x.import("./y")',
    "a property that may be missing": "x?.import(y)",
    "a property over lines": "x.\n  import(y)",
    "a name in quotes": '"import"("./x")',
    "a property's name": "a = { import: function (x) {} }",
    "a method": "({ import(a) { return a } })",
    "an asynchronous method": "({ async import(a) {} })",
    "a getter": "({ get import() { return 1 } })",
    "a private method": "class A { #import(a) {} b() { this.#import(1) } }",
    "metadata": "import.meta",
    "a hashbang": '#!/usr/bin/env import("./x")\nx',
    "a loop that goes to nought": "while (n --> 0) {}",
    "one behind a spread": "[...a, /import(x)/]",
}
LOST = {
    "a string without an end": 'a = "unterminated\nx',
    "a string at the end": '"x',
    "a template without an end": "`x${a",
    "a comment without an end": "/* x",
    "a regular expression without an end": "a = /x\n",
    "a lone slash": "/",
    "a parenthesis too many": "a)",
    "one too few": "(a",
    "brackets that cross": "(a]",
    "an HTML comment": "x <!-- y",
    "the end of one": "x\n--> y",
    "very deep brackets": "(" * (MOST_OPEN + 9) + ")" * (MOST_OPEN + 9),
}
EVERYTHING = {**PATHS, **NONE, **LOST}


def scan(*parts: bytes) -> bool:
    return imports_by_path(parts)


def is_suspect(*parts: bytes) -> bool:
    suspicion = Suspicion()
    for part in parts:
        suspicion.feed(part)
    return suspicion.found


@pytest.mark.parametrize("code", PATHS.values(), ids=PATHS)
def test_an_import_that_needs_the_scripts_own_url_is_found(code):
    assert is_suspect(code.encode())
    assert scan(code.encode())


@pytest.mark.parametrize("code", NONE.values(), ids=NONE)
def test_what_only_looks_like_one_or_needs_no_base_is_none(code):
    assert not scan(code.encode())


@pytest.mark.parametrize("code", LOST.values(), ids=LOST)
def test_where_the_scan_loses_track_the_script_is_taken_for_one_that_imports(code):
    assert scan(code.encode())


@pytest.mark.parametrize(
    "before", ["", "var a = 'x';\n", "f({ a: [1, (2)] });\n", "`${a}`;\n", "if (a) /'/.test(b);\n"]
)
@pytest.mark.parametrize("code", [*PATHS.values(), *NONE.values()])
def test_what_stands_before_changes_nothing(before, code):
    if not code.startswith("#!"):
        assert scan(f"{before}{code}".encode()) == scan(code.encode())


def cut(data, cuts):
    edges = [0, *sorted(min(one, len(data)) for one in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


@given(
    st.lists(st.sampled_from(sorted(EVERYTHING.values())), min_size=1, max_size=3),
    st.lists(st.integers(0, 200), max_size=12),
)
def test_how_a_script_is_cut_changes_nothing(codes, cuts):
    data = ";\n".join(codes).encode()
    for parts in (cut(data, cuts), [data[at : at + 1] for at in range(len(data))]):
        assert scan(*parts) == scan(data)
        assert is_suspect(*parts) == is_suspect(data)


@given(st.text(alphabet="importx'\"`/\\*(){}[]${}.\n\r#<!->; \u2028", max_size=60), st.lists(st.integers(0, 80)))
def test_how_anything_is_cut_changes_nothing(text, cuts):
    data = text.encode()
    assert scan(*cut(data, cuts)) == scan(data)
    assert is_suspect(*cut(data, cuts)) == is_suspect(data)


@given(st.binary(max_size=80))
def test_any_bytes_are_read_to_their_end(data):
    assert scan(data) in (True, False)


def test_what_is_no_suspect_imports_nothing_unless_track_is_lost():
    for code in EVERYTHING.values():
        if scan(code.encode()) and code not in LOST.values():
            assert is_suspect(code.encode()), code


def test_of_a_long_literal_no_more_is_kept_than_tells_what_it_is():
    reader = ImportScan()
    for _ in range(50):
        reader.feed(b"import('" + b"x" * 10_000 if not reader._inside else b"y" * 10_000)
    assert len(reader._literal or b"") < 100
    assert len(reader._rest) < 10
