"""Full, thin or untouched: from facts of the request and the response to the reason for leaving it alone. Pure.

Both judges give None where nothing stands against delivery by peers, else a word for `ViralJS-Delivery`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address

MEDIA_TYPES = frozenset(
    {
        "text/javascript",
        "application/javascript",
        "application/x-javascript",
        "text/ecmascript",
        "application/ecmascript",
    }
)
"""JavaScript's names (RFC 9239)."""

CRAWLERS = re.compile(
    r"bot\b|bots\b|crawl|spider|slurp|archiver|facebookexternalhit|whatsapp|telegram|preview|lighthouse|pagespeed"
    r"|prerender|phantomjs|validator|monitor|google-inspectiontool|bytespider|gptbot|mediapartners",
    re.IGNORECASE,
)
IN_APP = re.compile(r"FBAN|FBAV|FB_IAB|Instagram|Line/|MicroMessenger|; wv\)|TikTok|musical_ly|Snapchat|Pinterest/")
"""Browsers inside apps: short-lived, often without a working WebRTC."""

MODERN = re.compile(r"(?:Chrome|Firefox)/(\d{3,})|Version/(1[6-9]|[2-9]\d)[.\d]* .*Safari/")
"""Asked only where fetch metadata is missing: a browser recent enough to be worth a try (Chrome and Firefox 100)."""

PASSES = "passes"
"""What the client has found of the site's own service worker: it stores no bundle."""
PERSONAL_VARY = frozenset({"cookie", "authorization", "*"})
"""Lower-case words of `Vary` that make a response its visitor's alone."""

PAGES = frozenset({"document", "iframe", "frame"})

ASCII_UNSAFE_CHARSETS = re.compile(r"utf-?(16|32)|ucs-?[24]|iso-2022|hz-gb|utf-?7", re.IGNORECASE)
"""Charsets in which the addition's ASCII would not read as ASCII."""


@dataclass(frozen=True)
class RequestFacts:
    """What the request says; header values are as sent, None where missing."""

    method: str
    direct: bool
    marked: bool
    """`viral_script` wrote the URL for a classic script element, where headers don't say that one asks."""
    from_cache: bool
    """The client wants the bytes only if the browser has them in its cache."""
    has_range: bool
    fetch_dest: str | None
    fetch_mode: str | None
    fetch_site: str | None
    origin: str | None
    """That of the page, where it is another than the app's own and wants to read the response (Fetch, CORS)."""
    plain_http: bool
    """Neither https nor localhost, so that browsers send no fetch metadata (W3C fetch-metadata, 2)."""
    purpose: str | None
    user_agent: str
    save_data: bool
    authorized: bool
    failures: int
    """Failed deliveries in a row, from the breaker cookie."""
    consent: bool | None
    """What the consent cookie says; None where there is none."""
    page: str | None
    """The path of the page that asks, as far as its browser tells."""
    kept: Collection[str]
    """Beginnings of digests that the browser has in Cache Storage, as its cookie says."""
    behind: bool = False
    """So it did, for a bundle behind another one of the page, which must wait for it: only a thin client can."""
    alone: bool = False
    """The page was answered before, and could not use it: nobody is to wait for it as a seeder, itself least of all."""
    lost: str = ""
    """The recipient that this answer named, as far as the page could see it."""
    starts: bool = False
    """`viral_script` wrote the URL for a module that is to be delivered by peers."""
    part: bool = False
    """The module client asks how to get and run one module."""
    worker: str | None = None
    """What is known of the site's own service worker in this browser: `PASSES`, another word, or nothing."""

    @property
    def is_import(self) -> bool:
        """Whether the browser itself is about to run a module, or a script whose tag has `crossorigin`."""
        return self.fetch_dest == "script" and self.fetch_mode == "cors" and not (self.starts or self.marked)

    @property
    def relayed(self) -> bool:
        """Whether a service worker of the site asks, by `fetch(event.request)`, for what a script element wants.

        The browser then says `empty` in place of `script`, but the mode is the element's; `fetch()` has another one.
        """
        asked = (self.fetch_dest, self.fetch_mode, self.fetch_site)
        return asked == ("empty", "no-cors", "same-origin") and not (self.part or self.starts)

    @property
    def prerendered(self) -> bool:
        """Whether a script element asks in a page that is being made before its visitor wants it."""
        return self.fetch_dest == "script" and not self.starts and "prerender" in (self.purpose or "")

    @property
    def never_thin(self) -> bool:
        """Whether only the bundle's own bytes will do, with the addition behind them.

        An import must have its exports. A page that nobody looks at makes no connections. And a worker that keeps what
        it passes on would give one visit's thin client to all later ones.
        """
        return self.is_import or self.prerendered or (self.relayed and self.worker != PASSES)


@dataclass(frozen=True)
class ResponseFacts:
    """What the view's response says, before its body is looked at."""

    status: int
    media_type: str
    charset: str
    encoded: bool
    private: bool
    no_store: bool
    sets_cookie: bool
    vary: Collection[str]
    """Lower-case header names."""


@dataclass(frozen=True)
class Policy:
    """The settings that matter here."""

    enabled: bool
    plain_http: str
    breaker_failures: int
    origins: Collection[str]
    """Those of other pages that may take part."""
    modules: bool = True
    """Modules can be read."""


def judge_response(facts: ResponseFacts, policy: Policy) -> str | None:
    """Say why the response is nobody's business but its visitor's, or no bundle at all."""
    against = (
        ("disabled", not policy.enabled),
        ("status", facts.status != 200),  # noqa: PLR2004 - OK
        ("media-type", facts.media_type not in MEDIA_TYPES),
        ("charset", bool(ASCII_UNSAFE_CHARSETS.match(facts.charset))),
        ("encoded", facts.encoded),
        ("set-cookie", facts.sets_cookie),
        ("private", facts.private),
        ("no-store", facts.no_store),
        ("vary", bool(PERSONAL_VARY & set(facts.vary))),
    )
    return _first(against)


def judge_request(facts: RequestFacts, policy: Policy) -> str | None:
    """Say why this visitor gets the plain bytes."""
    against = (
        ("direct", facts.direct),
        ("method", facts.method != "GET"),
        ("authorization", facts.authorized),
        ("range", facts.has_range),
        ("prefetch", "prefetch" in (facts.purpose or "") and not facts.prerendered),
    )
    return (
        _first(against)
        or _judge_agent(facts.user_agent)
        or _first((("save-data", facts.save_data),))
        or _judge_destination(facts, policy)
        or _judge_visitor(facts, policy)
    )


def judge_page(facts: RequestFacts, policy: Policy) -> str | None:
    """Say why the tags of a page are written as if ViralJS were not there, for the visitor who asks for it."""
    against = (
        ("disabled", not policy.enabled),
        ("authorization", facts.authorized),
        ("prefetch", "prefetch" in (facts.purpose or "")),
        ("save-data", facts.save_data),
        ("old-browser", facts.fetch_dest is None),
        ("destination", facts.fetch_dest not in PAGES),
    )
    return _first(against) or _judge_agent(facts.user_agent) or _judge_visitor(facts, policy)


@lru_cache(maxsize=256)
def _judge_agent(user_agent: str) -> str | None:
    """Say why the program that asks is no browser that could take part. Browsers are many, their names few."""
    return _first((("crawler", bool(CRAWLERS.search(user_agent))), ("in-app", bool(IN_APP.search(user_agent)))))


def _judge_destination(facts: RequestFacts, policy: Policy) -> str | None:
    """Say why the request is not one of a script element, or of the module client."""
    if facts.fetch_dest is not None:
        expected = "empty" if facts.part else "script"
        against = (
            (_destination_word(facts.fetch_dest), facts.fetch_dest != expected and not facts.relayed),
            ("module", not _has_fit_mode(facts, policy)),
            ("cross-origin", facts.fetch_site != "same-origin" and facts.origin not in policy.origins),
        )
        return _first(against)
    if not facts.plain_http:
        return "old-browser"
    allowed = policy.plain_http == "always" or (policy.plain_http == "marked" and facts.marked)
    foreign = facts.origin is not None
    return _first(
        (
            ("plain-http", not allowed),
            ("old-browser", not MODERN.search(facts.user_agent)),
            ("module", foreign and not facts.marked),
            ("cross-origin", foreign and facts.origin not in policy.origins),
        )
    )


def _has_fit_mode(facts: RequestFacts, policy: Policy) -> bool:
    """Say whether it is known what is asked for: a classic script, or a module of this origin's page."""
    if facts.fetch_mode == "no-cors" or facts.marked or facts.starts or facts.part:
        return True
    return facts.fetch_mode == "cors" and policy.modules and facts.fetch_site == "same-origin"


def _judge_visitor(facts: RequestFacts, policy: Policy) -> str | None:
    """Say why this browser is left alone for now."""
    return "breaker" if facts.failures >= policy.breaker_failures else None


def _destination_word(destination: str) -> str:
    if destination == "empty":
        return "fetch"
    return "worker" if destination.endswith("worker") else "destination"


def _first(against: tuple[tuple[str, bool], ...]) -> str | None:
    return next((reason for reason, holds in against if holds), None)


@lru_cache(maxsize=256)
def is_trustworthy(scheme: str, host: str) -> bool:
    """Say whether a browser treats an origin as a secure context (W3C secure-contexts, 3.1).

    Args:
        scheme: `"http"` or `"https"`.
        host: as in the `Host` header, port and brackets included.
    """
    if scheme == "https":
        return True
    name = host.rsplit("]", 1)[0].lstrip("[") if host.startswith("[") else host.rsplit(":", 1)[0]
    name = name.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
