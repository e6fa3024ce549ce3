"""Which policies certainly keep a page from what peers give."""

import pytest

from viraljs.csp import forbids_peers

HOST = "www.example:8443"
NONCE = "'nonce-bm9uY2U'"


@pytest.mark.parametrize(
    "policy",
    [
        "",
        ";;,",
        "img-src 'self'",
        f"script-src {NONCE}",
        f"script-src {NONCE} 'strict-dynamic'",
        "script-src 'sha256-AAAA' 'strict-dynamic'",
        "script-src 'self' blob:",
        "SCRIPT-SRC 'self' BLOB:",
        "default-src 'self' blob:",
        "script-src 'none'; script-src-elem blob:",
        f"default-src 'none'; script-src {NONCE}; connect-src 'self'",
        f"default-src {HOST} {NONCE}",
        f"script-src {NONCE}; connect-src https:",
        f"script-src {NONCE}; connect-src wss://{HOST} https://{HOST}",
        "connect-src *",
        f"script-src {NONCE}; connect-src https://*.example",
        f"script-src {NONCE}; connect-src https://{HOST.upper()}:*",
        "require-trusted-types-for 'script'",
        "require-trusted-types-for 'script'; trusted-types viraljs dompurify",
        "require-trusted-types-for 'script'; trusted-types *",
        "trusted-types others",
    ],
)
def test_a_policy_allows_it(policy):
    assert not forbids_peers([policy], HOST)


@pytest.mark.parametrize(
    "policy",
    [
        "script-src 'self'",
        "script-src https: 'unsafe-inline' 'unsafe-eval'",
        "script-src *",
        "default-src 'self'",
        "script-src-elem 'self'; script-src blob:",
        "script-src 'self'; script-src blob:",
        f"script-src {NONCE}; connect-src 'none'",
        f"script-src {NONCE}; connect-src",
        f"script-src {NONCE}; connect-src api.example",
        f"default-src 'none'; script-src {NONCE}",
        "require-trusted-types-for 'script'; trusted-types others",
        # Nobody knows what a default policy takes.
        "require-trusted-types-for 'script'; trusted-types default",
        "require-trusted-types-for 'script'; trusted-types 'none'",
        "script-src blob:, script-src 'self'",
    ],
)
def test_a_policy_forbids_it(policy):
    assert forbids_peers([policy], HOST)


def test_all_headers_hold_and_none_is_no_policy():
    assert not forbids_peers([], HOST)
    assert forbids_peers(["script-src blob:", "script-src 'self'"], HOST)
