"""Content Security Policy: whether a page lets bytes run that a peer gave. Pure (W3C CSP3, Trusted Types).

Only what certainly forbids it counts. What a proxy adds, the client finds out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

POLICY = "viraljs"
"""The name of the client's Trusted Types policy."""
SELF = "'self'"

Directives = Mapping[str, tuple[str, ...]]


def forbids_peers(headers: Iterable[str], host: str) -> bool:
    """Say whether a page's policies keep its bundles from being delivered by peers.

    Args:
        headers: the values of its `Content-Security-Policy` headers, and of such `<meta>` tags.
        host: the page's own, as in the `Host` header.
    """
    return any(
        not (_lets_blobs_run(policy) and _lets_scripts_be_made(policy) and _lets_ask(policy, host))
        for header in headers
        for policy in _parse(header)
    )


def _parse(header: str) -> Iterator[Directives]:
    """Read the policies of a header. Of a directive that is there twice, the first counts (CSP3, 2.2.1)."""
    for policy in header.split(","):
        directives: dict[str, tuple[str, ...]] = {}
        for directive in policy.split(";"):
            name, *values = directive.split() or [""]
            directives.setdefault(name.lower(), tuple(values))
        yield directives


def _sources(policy: Directives, *names: str) -> tuple[str, ...] | None:
    """Give the sources of the first directive that is there; None where everything is allowed."""
    return next((policy[name] for name in (*names, "default-src") if name in policy), None)


def _lets_blobs_run(policy: Directives) -> bool:
    sources = _sources(policy, "script-src-elem", "script-src")
    # Under 'strict-dynamic' scripts that run may insert any others, and what may not run asks for nothing.
    return sources is None or any(
        source.lower() in ("blob:", "'strict-dynamic'") or source.startswith("'nonce-") for source in sources
    )


def _lets_scripts_be_made(policy: Directives) -> bool:
    if "require-trusted-types-for" not in policy or "trusted-types" not in policy:
        return True
    # A default policy of the page's own may take what ours would have made, or throw.
    return not {POLICY, "*"}.isdisjoint(policy["trusted-types"])


def _lets_ask(policy: Directives, host: str) -> bool:
    """Say whether the client may talk to the page's own server, as far as its name or `'self'` tells."""
    sources = _sources(policy, "connect-src")
    name = host.rpartition(":")[0] or host
    return sources is None or any(
        source.lower() in (SELF, "http:", "https:") or "*" in source or name.lower() in source.lower()
        for source in sources
    )
