"""Full, thin or untouched, from facts. Each reason's way through HTTP is in `integration/test_reasons.py`."""

from dataclasses import replace

import pytest

from tests.support.visits import CHROME
from viraljs.negotiation import (
    Policy,
    RequestFacts,
    ResponseFacts,
    is_trustworthy,
    judge_page,
    judge_request,
    judge_response,
)

POLICY = Policy(enabled=True, plain_http="marked", breaker_failures=3, origins={"https://www.example"})
VISIT = RequestFacts(
    method="GET",
    direct=False,
    marked=False,
    from_cache=False,
    has_range=False,
    fetch_dest="script",
    fetch_mode="no-cors",
    fetch_site="same-origin",
    origin=None,
    plain_http=False,
    purpose=None,
    user_agent=CHROME,
    save_data=False,
    authorized=False,
    failures=0,
    consent=None,
    page=None,
    kept=(),
)
LAN = replace(VISIT, fetch_dest=None, fetch_mode=None, fetch_site=None, plain_http=True, marked=True)
BUNDLE = ResponseFacts(
    status=200,
    media_type="text/javascript",
    charset="utf-8",
    encoded=False,
    private=False,
    no_store=False,
    sets_cookie=False,
    vary=(),
)
FOREIGN = replace(VISIT, fetch_mode="cors", fetch_site="cross-site", origin="https://www.example", marked=True)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"
SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.4 Safari/605.1.15"
)


def test_nothing_stands_against_a_script_element_of_chrome():
    assert judge_request(VISIT, POLICY) is None
    assert judge_response(BUNDLE, POLICY) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": 404}, "status"),
        ({"status": 206}, "status"),
        ({"media_type": "text/html"}, "media-type"),
        ({"media_type": ""}, "media-type"),
        ({"media_type": "application/json"}, "media-type"),
        ({"charset": "utf-16"}, "charset"),
        ({"charset": "UTF-16LE"}, "charset"),
        ({"charset": "iso-2022-jp"}, "charset"),
        ({"charset": "utf-7"}, "charset"),
        ({"encoded": True}, "encoded"),
        ({"sets_cookie": True}, "set-cookie"),
        ({"private": True}, "private"),
        ({"no_store": True}, "no-store"),
        ({"vary": ("cookie",)}, "vary"),
        ({"vary": ("accept-encoding", "authorization")}, "vary"),
        ({"vary": ("*",)}, "vary"),
    ],
)
def test_what_stands_against_a_response(change, reason):
    assert judge_response(replace(BUNDLE, **change), POLICY) == reason


@pytest.mark.parametrize(
    "change",
    [
        {"media_type": "application/javascript"},
        {"media_type": "text/ecmascript"},
        {"charset": ""},
        {"charset": "iso-8859-1"},
        {"charset": "windows-1252"},
        {"vary": ("accept-encoding", "save-data", "origin")},
    ],
)
def test_what_does_not_stand_against_a_response(change):
    assert judge_response(replace(BUNDLE, **change), POLICY) is None


def test_nothing_is_delivered_when_it_is_switched_off():
    assert judge_response(BUNDLE, replace(POLICY, enabled=False)) == "disabled"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"direct": True}, "direct"),
        ({"method": "HEAD"}, "method"),
        ({"method": "POST"}, "method"),
        ({"authorized": True}, "authorization"),
        ({"has_range": True}, "range"),
        ({"purpose": "prefetch"}, "prefetch"),
        ({"purpose": "prefetch;prerender", "starts": True}, "prefetch"),
        ({"purpose": "prefetch;prerender", "fetch_dest": "document"}, "prefetch"),
        ({"save_data": True}, "save-data"),
        ({"fetch_dest": "empty", "fetch_mode": "cors"}, "fetch"),
        ({"fetch_dest": "worker"}, "worker"),
        ({"fetch_dest": "sharedworker"}, "worker"),
        ({"fetch_dest": "serviceworker"}, "worker"),
        ({"fetch_dest": "audioworklet"}, "destination"),
        ({"fetch_dest": "document"}, "destination"),
        ({"fetch_dest": ""}, "destination"),
        ({"fetch_mode": None}, "module"),
        ({"fetch_mode": "navigate"}, "module"),
        ({"fetch_dest": "script", "part": True}, "destination"),
        ({"fetch_dest": "empty", "fetch_mode": "cors", "starts": True}, "fetch"),
        ({"fetch_site": "cross-site"}, "cross-origin"),
        ({"fetch_site": "same-site"}, "cross-origin"),
        ({"fetch_site": "none"}, "cross-origin"),
        ({"fetch_dest": None}, "old-browser"),
        ({"failures": 3}, "breaker"),
        ({"failures": 4}, "breaker"),
    ],
)
def test_what_stands_against_a_request(change, reason):
    assert judge_request(replace(VISIT, **change), POLICY) == reason


RELAYED = {"fetch_dest": "empty", "fetch_mode": "no-cors", "fetch_site": "same-origin"}


@pytest.mark.parametrize(
    ("change", "never_thin"),
    [
        ({}, False),
        ({"purpose": "prefetch;prerender"}, True),
        ({"fetch_mode": "cors"}, True),
        (RELAYED, True),
        ({**RELAYED, "marked": True}, True),
        ({**RELAYED, "worker": "keeps"}, True),
        ({**RELAYED, "worker": "?"}, True),
        ({**RELAYED, "worker": "passes"}, False),
        ({**RELAYED, "marked": True, "worker": "passes"}, False),
        ({"worker": "keeps"}, False),
    ],
)
def test_who_takes_part_but_may_not_be_given_a_thin_client(change, never_thin):
    facts = replace(VISIT, **change)

    assert judge_request(facts, POLICY) is None
    assert facts.never_thin is never_thin


@pytest.mark.parametrize(
    "change", [{"fetch_site": "same-site"}, {"fetch_mode": "cors"}, {"starts": True}, {"fetch_mode": "navigate"}]
)
def test_what_a_worker_passes_on_for_something_else_is_a_fetch(change):
    assert judge_request(replace(VISIT, **{**RELAYED, **change}), POLICY) == "fetch"


@pytest.mark.parametrize(
    "change",
    [
        {"failures": 2},
        {"consent": True},
        {"consent": False},
        {"purpose": "preview"},
        {"marked": True},
        {"fetch_mode": "cors"},
        {"starts": True},
        {"fetch_mode": "cors", "starts": True},
        {"fetch_dest": "empty", "fetch_mode": "cors", "part": True},
    ],
)
def test_what_does_not_stand_against_a_request(change):
    assert judge_request(replace(VISIT, **change), POLICY) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"fetch_site": "same-site"}, None),
        ({"marked": False}, "module"),
        ({"origin": "https://www.example:8443"}, "cross-origin"),
        ({"origin": "null"}, "cross-origin"),
        ({"origin": None}, "cross-origin"),
        ({"fetch_mode": "no-cors", "origin": None}, "cross-origin"),
        ({"fetch_dest": "empty"}, "fetch"),
        ({"fetch_site": "same-origin", "origin": None}, None),
    ],
)
def test_a_page_of_another_origin_must_be_let_in_and_mark_its_url(change, reason):
    assert judge_request(replace(FOREIGN, **change), POLICY) == reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"origin": "http://evil.example"}, "cross-origin"),
        ({"marked": False}, "plain-http"),
    ],
)
def test_so_it_must_on_plain_http(change, reason):
    assert judge_request(replace(LAN, **{"origin": "https://www.example", **change}), POLICY) == reason


def test_an_import_across_origins_is_no_script_where_all_of_plain_http_are_taken_for_one():
    foreign = replace(LAN, origin="https://www.example", marked=False)
    assert judge_request(foreign, replace(POLICY, plain_http="always")) == "module"


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0) Chrome/116.0.0.0 Safari/537.36",
        "Mozilla/5.0 (compatible; YandexBot/3.0)",
        "DuckDuckBot/1.1",
        "facebookexternalhit/1.1",
        "WhatsApp/2.23",
        "Mozilla/5.0 (compatible; Baiduspider/2.0)",
        "ia_archiver",
        f"{CHROME} Chrome-Lighthouse",
        f"{CHROME} GPTBot/1.2",
    ],
)
def test_crawlers_get_the_plain_bytes(agent):
    assert judge_request(replace(VISIT, user_agent=agent), POLICY) == "crawler"


@pytest.mark.parametrize(
    "agent",
    [
        f"{CHROME} [FBAN/FBIOS;FBAV/450.0]",
        f"{CHROME} Instagram 300.0",
        "Mozilla/5.0 (Linux; Android 13; SM-S911B; wv) AppleWebKit/537.36 Version/4.0 Chrome/120.0.0.0 Mobile",
        f"{CHROME} MicroMessenger/8.0",
        f"{CHROME} musical_ly_2023",
    ],
)
def test_browsers_inside_apps_get_the_plain_bytes(agent):
    assert judge_request(replace(VISIT, user_agent=agent), POLICY) == "in-app"


@pytest.mark.parametrize("agent", [CHROME, FIREFOX, SAFARI])
def test_browsers_of_people_are_no_crawlers(agent):
    assert judge_request(replace(VISIT, user_agent=agent), POLICY) is None


@pytest.mark.parametrize(
    ("plain_http", "marked", "reason"),
    [
        ("marked", True, None),
        ("marked", False, "plain-http"),
        ("always", False, None),
        ("always", True, None),
        ("never", True, "plain-http"),
        ("never", False, "plain-http"),
    ],
)
def test_on_plain_http_the_setting_decides(plain_http, marked, reason):
    assert judge_request(replace(LAN, marked=marked), replace(POLICY, plain_http=plain_http)) == reason


@pytest.mark.parametrize(
    ("agent", "reason"),
    [
        (CHROME, None),
        (FIREFOX, None),
        (SAFARI, None),
        (CHROME.replace("Chrome/156", "Chrome/99"), "old-browser"),
        (SAFARI.replace("Version/17", "Version/15"), "old-browser"),
        ("curl/8.5.0", "old-browser"),
        ("", "old-browser"),
    ],
)
def test_on_plain_http_the_browser_must_be_a_recent_one(agent, reason):
    assert judge_request(replace(LAN, user_agent=agent), POLICY) == reason


def test_fetch_metadata_count_on_plain_http_too_where_a_browser_sends_them():
    assert judge_request(replace(LAN, fetch_dest="empty"), POLICY) == "fetch"


@pytest.mark.parametrize(
    ("scheme", "host", "expected"),
    [
        ("https", "www.example.org", True),
        ("http", "localhost", True),
        ("http", "LOCALHOST:5000", True),
        ("http", "app.localhost:5000", True),
        ("http", "localhost.:80", True),
        ("http", "127.0.0.1:5000", True),
        ("http", "127.9.9.9", True),
        ("http", "[::1]:5000", True),
        ("http", "[::1]", True),
        ("http", "192.168.1.4:5000", False),
        ("http", "[2001:db8::1]:5000", False),
        ("http", "www.example.org", False),
        ("http", "notlocalhost", False),
        ("http", "localhost.example.org", False),
        ("http", "", False),
    ],
)
def test_which_origins_browsers_trust(scheme, host, expected):
    assert is_trustworthy(scheme, host) is expected


def test_what_is_known_of_an_agent_is_not_mixed_up_with_what_else_a_request_says():
    crawler = replace(VISIT, user_agent="DuckDuckBot/1.1")

    for _ in range(2):
        assert judge_request(crawler, POLICY) == "crawler"
        assert judge_request(replace(crawler, method="POST"), POLICY) == "method"
        assert judge_request(replace(crawler, save_data=True), POLICY) == "crawler"
        assert judge_request(VISIT, POLICY) is None
        assert judge_request(replace(VISIT, save_data=True), POLICY) == "save-data"


# Modules ---------------------------------------------------------------------------------------------


def test_without_the_parser_imports_are_none_of_our_business():
    policy = replace(POLICY, modules=False)

    assert judge_request(replace(VISIT, fetch_mode="cors"), policy) == "module"
    assert judge_request(VISIT, policy) is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"fetch_mode": "cors"}, True),
        ({}, False),
        ({"fetch_mode": "cors", "fetch_dest": "empty"}, False),
        ({"fetch_mode": "cors", "fetch_dest": "worker"}, False),
        ({"fetch_mode": "cors", "starts": True}, False),
        ({"fetch_mode": "cors", "marked": True}, False),
        ({"fetch_mode": None, "fetch_dest": None}, False),
    ],
)
def test_an_import_of_the_browser_is_told_from_what_the_client_asks(change, expected):
    assert replace(VISIT, **change).is_import is expected


def test_an_import_of_another_origin_s_page_is_left_alone():
    policy = replace(POLICY, origins=frozenset({"https://b.example"}))
    asked = replace(VISIT, fetch_mode="cors", fetch_site="cross-site", origin="https://b.example")

    assert judge_request(asked, policy) == "module"
    assert judge_request(replace(asked, marked=True), policy) is None


PAGE = replace(VISIT, fetch_dest="document", fetch_mode="navigate", fetch_site="none")


@pytest.mark.parametrize("change", [{}, {"fetch_dest": "iframe"}, {"fetch_site": "cross-site"}, {"method": "POST"}])
def test_a_page_of_a_browser_may_have_its_modules_from_peers(change):
    assert judge_page(replace(PAGE, **change), POLICY) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"authorized": True}, "authorization"),
        ({"purpose": "prefetch;prerender"}, "prefetch"),
        ({"save_data": True}, "save-data"),
        ({"fetch_dest": None}, "old-browser"),
        ({"fetch_dest": "empty"}, "destination"),
        ({"user_agent": "Googlebot/2.1"}, "crawler"),
        ({"user_agent": f"{CHROME} Instagram"}, "in-app"),
        ({"failures": 3}, "breaker"),
    ],
)
def test_what_stands_against_modules_by_peers_on_a_page(change, reason):
    assert judge_page(replace(PAGE, **change), POLICY) == reason


@pytest.mark.parametrize(("change", "reason"), [({"enabled": False}, "disabled")])
def test_what_settings_say_against_them(change, reason):
    assert judge_page(PAGE, replace(POLICY, **change)) == reason
