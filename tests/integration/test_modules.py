"""Modules through HTTP: who gets them natively, who from peers, and what the module client is told."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask import Flask, Response, after_this_request, render_template_string, send_from_directory

from tests.support.visits import (
    CHROME,
    CRAWLER,
    JAVASCRIPT,
    PAGE,
    SCRIPT,
    add_seeder,
    delivery_of,
    digest_of,
    island_of,
    new_app,
    serve_bundle,
    state_of,
    visit,
)
from viraljs import ViralJS

ENTRY = b'import { a } from "./a.js"; import.meta.url; import("./lazy.js"); export const entry = a;'
LEAF = b"export const a = 1;"
LAZY = b'import { entry } from "./entry.js"; export default entry;'
FILES = {"entry.js": ENTRY, "a.js": LEAF, "lazy.js": LAZY}
IMPORT = {"Sec-Fetch-Mode": "cors"}
PART = {"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors"}
NATIVE = '<script defer src="/m/entry.js" type="module" data-viraljs></script>'
BY_PEERS = '<script defer src="/m/entry.js?viraljs=module" data-viraljs></script>'


def modular_app(files=None, headers=None, template="", **config):
    """Make an app whose modules are at `/m/…`, and whose page is at `/`."""
    app = new_app(**config)
    shown = dict(FILES if files is None else files)
    app.config["FILES"] = shown

    def module(name):
        return Response(shown[name], 200, {"Content-Type": JAVASCRIPT, **(headers or {})})

    app.add_url_rule("/m/<name>", "module", ViralJS().bundle(module))
    app.add_url_rule("/plain/<name>", "plain", module)
    template = template or "{{ viral_script('/m/entry.js', type='module') }}"
    app.add_url_rule("/", "page", lambda: render_template_string(template))
    state_of(app).writes_modules = True  # as if the page had been shown
    return app


def see(app: Flask, *names: str, **headers: str) -> None:
    """Let a browser import modules by itself, and seed them."""
    for name in names:
        assert delivery_of(visit(app, f"/m/{name}", {**IMPORT, **headers})) in ("full", "untouched; reason=small")
        add_seeder(app, app.config["FILES"][name])


def page(app, headers=None, url="/", **options):
    return app.test_client(use_cookies=False).get(url, headers={**PAGE, **(headers or {})}, **options).text


def ask(app, name, headers=None):
    return visit(app, f"/m/{name}?viraljs=part", {**PART, **(headers or {})})


def start(app, headers=None, name="entry.js"):
    return visit(app, f"/m/{name}?viraljs=module", headers)


def thin_island(response: Response) -> dict[str, Any]:
    return island_of(response.data)


def starts(response):
    """Say what a starter imports natively."""
    found = re.search(rb'\}\)\((\{"url":"[^"]*"\})\);\n$', response.data)
    return json.loads(found[1])["url"] if found else None


# What a browser imports by itself ----------------------------------------------------------------------


def test_an_import_gets_the_module_with_the_addition_behind_it_and_never_a_thin_client():
    app = modular_app()
    for _ in range(2):
        response = visit(app, "/m/entry.js", IMPORT)
        assert delivery_of(response) == "full"
        assert response.data.startswith(ENTRY + b"\n;")
        assert island_of(response.data)["digest"] == digest_of(ENTRY)
        add_seeder(app, ENTRY)


def test_an_import_that_has_the_module_is_told_so():
    app = modular_app()
    etag = visit(app, "/m/entry.js", IMPORT).headers["ETag"]

    response = visit(app, "/m/entry.js", {**IMPORT, "If-None-Match": etag})

    assert (response.status_code, delivery_of(response)) == (304, "untouched; reason=not-modified")


def test_an_import_of_paths_is_no_obstacle_where_the_browser_runs_it_from_its_url():
    app = modular_app({"entry.js": b"import('./x.js');"})

    assert delivery_of(visit(app, "/m/entry.js", IMPORT)) == "full"
    assert delivery_of(visit(app, "/m/entry.js")) == "untouched; reason=imports"


def test_modules_are_left_alone_until_viral_script_has_written_a_tag_of_one_and_the_log_says_so_once(caplog):
    app = modular_app(MIN_SIZE=len(LEAF))
    state_of(app).writes_modules = False

    for name in ("entry.js", "a.js", "entry.js", "a.js"):
        assert delivery_of(visit(app, f"/m/{name}", IMPORT)) == "untouched; reason=module"
    assert caplog.text.count("/m/entry.js comes untouched (reason=module)") == caplog.text.count("ViralJS:") == 1
    page(app)
    see(app, *FILES)
    assert page(app) == BY_PEERS


def test_without_the_parser_modules_are_left_alone_and_the_log_says_once_what_to_install(monkeypatch, caplog):
    monkeypatch.setattr("viraljs.state.is_available", lambda: False)
    app = modular_app()

    for _ in range(2):
        assert delivery_of(visit(app, "/m/entry.js", IMPORT)) == "untouched; reason=module"
    assert caplog.text.count('pip install "viraljs[modules]"') == 1
    assert page(app) == NATIVE
    assert delivery_of(ask(app, "entry.js")) == "untouched; reason=module"
    assert starts(start(app)) == "/m/entry.js"


# The page ----------------------------------------------------------------------------------------------


def test_a_page_has_its_modules_from_peers_once_all_that_they_import_has_been_seen_and_is_seeded():
    app = modular_app()
    assert page(app) == NATIVE
    see(app, "entry.js")
    assert page(app) == NATIVE, "a.js is not known"
    see(app, "a.js")
    assert page(app) == BY_PEERS


def test_a_page_has_them_natively_while_nobody_seeds():
    app = modular_app()
    for name in FILES:
        visit(app, f"/m/{name}", IMPORT)
    assert page(app) == NATIVE
    add_seeder(app, ENTRY)
    assert page(app) == BY_PEERS


def test_a_page_has_them_from_its_own_cache_where_nobody_seeds():
    app = modular_app()
    for name in FILES:
        visit(app, f"/m/{name}", IMPORT)

    assert page(app, {"Cookie": f"viraljs_kept={digest_of(ENTRY)[:8]}"}) == BY_PEERS


def test_the_largest_module_counts_where_others_are_too_small_to_share():
    files = {"entry.js": ENTRY, "a.js": LEAF + b" " * 500}
    app = modular_app(files, MIN_SIZE=400)
    for name in files:
        visit(app, f"/m/{name}", IMPORT)
    assert page(app) == NATIVE
    add_seeder(app, files["a.js"])
    assert page(app) == BY_PEERS


@pytest.mark.parametrize(
    ("headers", "config"),
    [
        ({"User-Agent": CRAWLER}, {}),
        ({"User-Agent": f"{CHROME} [FBAN/FBIOS]"}, {}),
        ({"Save-Data": "on"}, {}),
        ({"Cookie": "viraljs_failures=3"}, {}),
        ({"Authorization": "Basic eDp4"}, {}),
        ({"Sec-Purpose": "prefetch"}, {}),
        ({"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors"}, {}),
        ({}, {"CONSENT": True}),
        ({"Cookie": "viraljs_consent=0"}, {}),
        ({}, {"ENABLED": False}),
    ],
)
def test_a_visitor_who_could_not_take_part_has_them_natively(headers, config):
    app = modular_app(**config)
    for name, code in FILES.items():
        visit(app, f"/m/{name}", {**IMPORT, "Cookie": "viraljs_consent=1"})
        add_seeder(app, code)

    assert page(app, headers) == NATIVE
    if config != {"ENABLED": False}:
        assert page(app, {"Cookie": "viraljs_consent=1"}) == BY_PEERS


def test_a_browser_that_does_not_say_what_it_asks_for_has_them_natively_and_unmarked():
    app = modular_app()
    see(app, "entry.js", "a.js")
    nothing = {"Sec-Fetch-Dest": "", "Sec-Fetch-Mode": "", "Sec-Fetch-Site": ""}
    headers = {name: value for name, value in {**PAGE, **nothing}.items() if value}
    client = app.test_client(use_cookies=False)

    for base in ("http://localhost", "http://192.168.1.4"):
        assert client.get("/", headers=headers, base_url=base).text == NATIVE


def test_a_page_whose_policy_forbids_blobs_has_them_natively():
    app = modular_app()

    @app.after_request
    def forbid(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = "script-src 'self'"
        return response

    assert page(app) == NATIVE
    see(app, "entry.js", "a.js", Referer="http://localhost/lenient")
    assert page(app) == NATIVE
    assert page(app, url="/?other") == NATIVE


def test_the_first_module_of_a_page_decides_for_all():
    tags = "{{ viral_script('/m/entry.js', type='module') }}{{ viral_script('/m/other.js', type='module') }}"
    other = "{{ viral_script('/m/other.js', type='module') }}{{ viral_script('/m/entry.js', type='module') }}"
    app = modular_app({**FILES, "other.js": b"x"}, template=tags)
    app.add_url_rule("/other", "other", lambda: render_template_string(other))
    see(app, "entry.js", "a.js")

    assert page(app).count("?viraljs=module") == 2
    assert page(app, url="/other").count("?viraljs=module") == 0


TWO = "{{ viral_script('/m/entry.js', type='module') }}{{ viral_script('%s', type='module') }}"


@pytest.mark.parametrize("src", ["/plain/a.js", "https://cdn.example/x.js", "//cdn.example/x.js", "./a.js"])
def test_a_module_that_no_decorated_route_serves_is_the_browsers_own_beside_others_too(src):
    app = modular_app(template=TWO % src)
    see(app, "entry.js", "a.js", "lazy.js")

    assert page(app) == BY_PEERS + f'<script defer src="{src}" type="module" data-viraljs></script>'


def test_such_a_module_does_not_decide_for_the_others():
    app = modular_app(template="{{ viral_script('/plain/a.js', type='module') }}" + TWO % "/m/a.js")
    see(app, "entry.js", "a.js", "lazy.js")

    assert page(app).endswith(f'{BY_PEERS}<script defer src="/m/a.js?viraljs=module" data-viraljs></script>')


def test_a_second_one_that_can_t_be_linked_runs_and_the_next_page_has_all_from_their_own_urls():
    app = modular_app({**FILES, "odd.js": b"import(x, y);"}, template=TWO % "/m/odd.js")
    see(app, "entry.js", "a.js", "lazy.js")
    odd = '<script defer src="/m/odd.js" type="module" data-viraljs></script>'
    assert page(app) == BY_PEERS + odd.replace(' type="module"', "").replace("odd.js", "odd.js?viraljs=module")
    assert starts(start(app, name="odd.js")) == "/m/odd.js"

    assert page(app) == NATIVE + odd


def test_one_that_is_known_to_be_unfit_is_native_on_the_page_that_began_otherwise():
    app = modular_app({**FILES, "odd.js": b"import(x, y);"}, template=TWO % "/m/odd.js")
    see(app, "entry.js", "a.js", "lazy.js")
    visit(app, "/m/odd.js", IMPORT)
    odd = '<script defer src="/m/odd.js" type="module" data-viraljs></script>'

    assert page(app) == BY_PEERS + odd
    assert page(app) == NATIVE + odd


def test_how_far_seeders_may_be_is_the_routes_own_word():
    app = new_app()
    app.add_url_rule(
        "/m/<name>",
        "module",
        ViralJS().bundle(nearby="network")(lambda name: Response(LEAF, 200, {"Content-Type": JAVASCRIPT})),
    )
    app.add_url_rule("/", "page", lambda: render_template_string("{{ viral_script('/m/entry.js', type='module') }}"))
    visit(app, "/m/entry.js", IMPORT)
    add_seeder(app, LEAF, address="203.0.113.9")
    assert page(app) == NATIVE

    add_seeder(app, LEAF, "near")

    assert page(app) == BY_PEERS


def test_attributes_and_nonce_are_on_either_tag():
    app = modular_app(template="{{ viral_script('/m/entry.js?v=1', type='module', nonce='n', id='x') }}")

    def tag(src, kind=""):
        return f'<script defer src="/m/entry.js?v=1{src}" nonce="n"{kind} id="x" data-viraljs></script>'

    assert page(app) == tag("", ' type="module"')
    for name in ("entry.js?v=1", "a.js"):
        visit(app, f"/m/{name}", IMPORT)
    add_seeder(app, ENTRY)
    assert page(app) == tag("&amp;viraljs=module")


@pytest.mark.parametrize("src", ["https://cdn.example.org/m/entry.js", "//cdn.example.org/m/entry.js", "m/entry.js"])
def test_a_module_of_another_host_is_natively_there(src):
    app = modular_app(template=f"{{{{ viral_script('{src}', type='module') }}}}")
    see(app, "entry.js", "a.js")

    assert f'src="{src}"' in page(app)


def test_a_new_version_must_be_seen_before_it_comes_from_peers():
    app = modular_app()
    see(app, "entry.js", "a.js")
    app.config["FILES"]["entry.js"] = ENTRY.replace(b"a.js", b"b.js")
    visit(app, "/m/entry.js", IMPORT)
    add_seeder(app, app.config["FILES"]["entry.js"])

    assert page(app) == NATIVE


# What can't be linked ----------------------------------------------------------------------------------


UNFIT = {
    "a static import of what is not decorated": (b'import "/plain/a.js";', "imports"),
    "a dynamic import of what is not decorated": (b'import("/plain/a.js");', "imports"),
    "an import of what is nowhere": (b'import "./../nowhere.js";', "imports"),
    "an import of this host by its name": (b'import "http://localhost/m/a.js";', "imports"),
    "a phase": (b'import defer * as a from "./a.js";', "module-syntax"),
    "an error": (b"import {", "module-syntax"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_what_can_t_be_linked_stays_native(name):
    code, reason = UNFIT[name]
    app = modular_app({"entry.js": code, "a.js": LEAF})
    see(app, "entry.js", "a.js")

    assert page(app) == NATIVE
    response = start(app)
    assert (delivery_of(response), starts(response)) == (f"untouched; reason={reason}", "/m/entry.js")
    response = ask(app, "entry.js")
    assert (delivery_of(response), response.json) == (f"untouched; reason={reason}", {})


@pytest.mark.parametrize("has_written_tags", [True, False])
@pytest.mark.parametrize("name", UNFIT)
def test_what_can_t_be_linked_is_not_seeded_and_the_log_says_why_and_not_to_write_other_tags(
    name, has_written_tags, caplog
):
    code, reason = UNFIT[name]
    app = modular_app({"entry.js": code})
    state_of(app).writes_modules = has_written_tags

    first, *later = (delivery_of(visit(app, "/m/entry.js", IMPORT)) for _ in range(3))

    assert first == ("full" if has_written_tags else "untouched; reason=module"), "it had not been read"
    assert later == [f"untouched; reason={reason}"] * 2
    assert caplog.text.count("ViralJS:") == caplog.text.count(f"/m/entry.js comes untouched (reason={reason}): ") == 1
    assert "have the bundler write one file" in caplog.text


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"entry.js": b'import "./a.js";', "a.js": b'import "./entry.js";'}, NATIVE),
        ({"entry.js": b'import "./entry.js";'}, NATIVE),
        ({"entry.js": b'import("./a.js");', "a.js": b'import "./b.js";', "b.js": b'import "./a.js";'}, NATIVE),
        ({"entry.js": b'import("./a.js");', "a.js": b'import defer * as b from "./b.js";'}, NATIVE),
        ({"entry.js": b'import("./a.js");', "a.js": b'import("./entry.js");'}, BY_PEERS),
    ],
    ids=["a circle", "itself", "a circle later", "syntax later", "a circle of dynamic imports"],
)
def test_modules_that_import_each_other_in_a_circle_stay_native(files, expected):
    app = modular_app(files)
    see(app, *files)

    assert page(app) == expected


def test_a_part_that_turned_out_unfit_makes_the_next_page_native():
    app = modular_app({**FILES, "lazy.js": b'import defer * as a from "./a.js";'})
    see(app, "entry.js", "a.js")
    assert page(app) == BY_PEERS

    assert delivery_of(ask(app, "lazy.js")) == "untouched; reason=module-syntax"
    assert page(app) == NATIVE


def test_a_mounted_app_knows_its_modules_too():
    app = modular_app(template="{{ viral_script(request.root_path + '/m/entry.js', type='module') }}")
    for name, code in FILES.items():
        visit(app, f"/m/{name}", IMPORT, environ_overrides={"SCRIPT_NAME": "/mounted"})
        add_seeder(app, code)

    assert "/mounted/m/entry.js?viraljs=module" in page(app, environ_overrides={"SCRIPT_NAME": "/mounted"})


# What the module client gets ---------------------------------------------------------------------------


@pytest.mark.parametrize("seeded", [True, False])
def test_the_tag_gets_a_thin_client_with_the_facts_of_the_module_whether_it_is_seeded_or_not(seeded):
    app = modular_app(MAX_SOCKETS=10)
    if seeded:
        add_seeder(app, ENTRY)

    response = start(app)

    island = thin_island(response)
    assert delivery_of(response) == "thin"
    assert response.headers["Cache-Control"] == "no-store"
    assert (island["url"], island["digest"]) == ("/m/entry.js", digest_of(ENTRY))
    assert ("~seeder" in island["ticket"], island.get("stream")) == ((True, None) if seeded else (False, 0))
    assert island["early"] is not seeded, "what streams from the server is passed on"
    assert island["module"]["imports"] == [[0, 27, 18, 8, "./a.js", 1]]
    assert island["module"]["metas"] == [ENTRY.index(b"import.meta")]
    assert island["module"]["calls"] == [ENTRY.index(b"import(")]


def test_a_tag_with_crossorigin_gets_the_same():
    app = modular_app()

    assert delivery_of(start(app, IMPORT)) == "thin"


@pytest.mark.parametrize("seeded", [True, False])
def test_a_part_is_the_island_of_a_thin_client_by_itself(seeded):
    app = modular_app()
    if seeded:
        add_seeder(app, LEAF)

    response = ask(app, "a.js")

    island = response.json
    assert (delivery_of(response), response.mimetype) == ("thin", "application/json")
    assert response.headers["Cache-Control"] == "no-store"
    assert ("~seeder" in island["ticket"], island.get("stream")) == ((True, None) if seeded else (False, 0))
    like = thin_island(start(app, name="a.js"))
    assert island.keys() == like.keys()
    assert {**island, "ticket": "", "stream": 0} == {**like, "ticket": "", "stream": 0}


UNSHARED = [
    ("small", {}, {}, {"MIN_SIZE": 10_000}),
    ("private", {"Cache-Control": "private"}, {}, {}),
    ("no-store", {"Cache-Control": "no-store"}, {}, {}),
    ("vary", {"Vary": "Cookie"}, {}, {}),
    ("set-cookie", {"Set-Cookie": "a=1"}, {}, {}),
    ("save-data", {}, {"Save-Data": "on"}, {}),
    ("breaker", {}, {"Cookie": "viraljs_failures=3"}, {}),
    ("crawler", {}, {"User-Agent": CRAWLER}, {}),
    ("cross-origin", {}, {"Sec-Fetch-Site": "same-site"}, {}),
    ("consent", {}, {}, {"CONSENT": True}),
    ("group", {}, {}, {}),
]


@pytest.mark.parametrize(("reason", "headers", "asked", "config"), UNSHARED)
def test_what_peers_do_not_deliver_can_still_run_beside_what_they_do(reason, headers, asked, config):
    app = modular_app(headers=headers, **config)
    if reason == "group":
        state_of(app).peer_group = lambda: lambda _: None

    response = ask(app, "entry.js", asked)

    island = response.json
    assert delivery_of(response) == f"untouched; reason={reason}"
    assert response.headers["Cache-Control"] == "no-store"
    assert (island["url"], island["size"], island["mediaType"]) == ("/m/entry.js", len(ENTRY), JAVASCRIPT)
    assert island["module"]["imports"]
    assert not {"ticket", "pieces", "proof"} & island.keys()


@pytest.mark.parametrize(("reason", "headers", "asked", "config"), UNSHARED[1:])
def test_a_visitor_who_was_taken_for_another_starts_it_natively(reason, headers, asked, config):
    app = modular_app(headers=headers, **config)
    if reason == "group":
        state_of(app).peer_group = lambda: lambda _: None

    response = start(app, asked)

    assert (delivery_of(response), starts(response)) == (f"untouched; reason={reason}", "/m/entry.js")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.mimetype == "text/javascript"


def test_a_small_entry_is_linked_too_for_what_it_imports_may_be_large():
    app = modular_app(MIN_SIZE=10_000)

    response = start(app)

    assert delivery_of(response) == "untouched; reason=small"
    assert "ticket" not in thin_island(response)
    assert thin_island(response)["module"]["imports"]


@pytest.mark.parametrize(
    ("headers", "reason"), [({"Content-Type": "text/css"}, "media-type"), ({"Content-Encoding": "br"}, "encoded")]
)
def test_what_can_t_be_read_is_nothing_to_link(headers, reason):
    app = modular_app(headers=headers)

    assert (ask(app, "a.js").json, delivery_of(ask(app, "a.js"))) == ({}, f"untouched; reason={reason}")
    assert starts(start(app)) == "/m/entry.js"


def test_an_error_of_the_view_stays_one():
    app = new_app()
    serve_bundle(app, lambda: ("gone", 404, {"Content-Type": JAVASCRIPT}))

    for mark in ("module", "part"):
        response = visit(app, f"/app.js?viraljs={mark}", PART)
        assert (response.status_code, response.text) == (404, "gone")
        assert delivery_of(response) == "untouched; reason=status"


@pytest.mark.parametrize("mark", ["module", "part"])
def test_a_hook_that_makes_the_response_personal_takes_the_ticket_back(mark):
    app = modular_app()
    add_seeder(app, ENTRY)

    @app.before_request
    def late() -> None:
        @after_this_request
        def personal(response: Response) -> Response:
            response.set_cookie("user", "1")
            return response

    response = visit(app, f"/m/entry.js?viraljs={mark}", PART if mark == "part" else SCRIPT)

    assert delivery_of(response) == "untouched; reason=set-cookie"
    assert response.content_length == len(response.data)
    assert "user=1" in response.headers["Set-Cookie"]
    if mark == "module":
        assert starts(response) == "/m/entry.js"
    else:
        island = json.loads(response.data)
        assert "ticket" not in island
        assert island["module"]["imports"]


def test_static_files_are_parts_where_a_pattern_names_them(tmp_path):
    for name, code in FILES.items():
        (tmp_path / name).write_bytes(code)
    for pattern, reason in (("*.js", None), ("entry.js", "imports")):
        app = Flask("tested", static_folder=tmp_path, static_url_path="/m")
        app.secret_key = "for tests"
        app.config.update(VIRALJS_MIN_SIZE=1, VIRALJS_STATIC=[pattern])
        ViralJS(app)
        assert delivery_of(ask(app, "entry.js")) == (f"untouched; reason={reason}" if reason else "thin")


def test_a_group_is_asked_for_when_the_page_is_made():
    app = modular_app()
    state_of(app).peer_group = lambda: lambda _: None
    for name, code in FILES.items():
        visit(app, f"/m/{name}", IMPORT)
        add_seeder(app, code)

    assert page(app) == NATIVE


# Files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("min_size", [1, 1_000_000], ids=["full", "untouched"])
def test_modules_that_are_files_are_read_too_once_they_are_out(min_size, tmp_path):
    for name, code in FILES.items():
        (tmp_path / name).write_bytes(code)
    app = new_app(MIN_SIZE=min_size)
    state_of(app).writes_modules = True
    serve_bundle(app, lambda name: send_from_directory(tmp_path, name), "/m/<name>")

    answers = [visit(app, f"/m/{name}", IMPORT) for name in FILES]

    expected = "full" if min_size == 1 else "untouched; reason=small"
    assert {delivery_of(answer) for answer in answers} == {expected}
    assert all(answer.data.startswith(code) for answer, code in zip(answers, FILES.values(), strict=True))
    assert [part.digest for part in state_of(app).graph.closure("/m/entry.js") or ()] == [
        digest_of(LEAF),
        digest_of(ENTRY),
    ]
