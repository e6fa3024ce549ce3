import pytest

from viraljs.markup import pinned_scripts, policies


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('<script src="/a.js" integrity="sha256-x"></script>', ["/a.js"]),
        ("<SCRIPT integrity=sha256-x defer src=/a.js></SCRIPT>", ["/a.js"]),
        ('<script\n  src="/a.js?x=1&amp;y=2"\n  integrity="sha256-x"\n></script>', ["/a.js?x=1&y=2"]),
        ('<script src="/a.js" integrity=""></script>', []),
        ('<script src="/a.js"></script><link integrity="sha256-x" href="/b.css">', []),
        ('<script integrity="sha256-x">inline()</script>', []),
        ('<script data-integrity="sha256-x" src="/a.js"></script>', []),
        ('<script src="/a.js" integrity="x"></script><script src="/b.js" integrity="y"></script>', ["/a.js", "/b.js"]),
        ("no page", []),
    ],
)
def test_scripts_with_a_digest_are_found_by_their_addresses(html, found):
    assert list(pinned_scripts(html.encode())) == found


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('<meta http-equiv="Content-Security-Policy" content="script-src \'self\'">', ["script-src 'self'"]),
        ("<META CONTENT=\"default-src 'none'\" HTTP-EQUIV=content-security-policy />", ["default-src 'none'"]),
        (
            "<meta\n  http-equiv='Content-Security-Policy'\n  content='script-src &#39;self&#39;'\n>",
            ["script-src 'self'"],
        ),
        ('<meta http-equiv="Content-Security-Policy">', [""]),
        ('<meta http-equiv="Content-Security-Policy-Report-Only" content="script-src x">', []),
        ('<meta name="description" content="Content-Security-Policy">', []),
        ('<metadata http-equiv="Content-Security-Policy" content="x">', []),
        ("no page", []),
    ],
)
def test_policies_in_the_page_are_found(html, found):
    assert list(policies(html.encode())) == found


def test_bytes_that_are_no_text_hurt_nobody():
    assert list(pinned_scripts(b'\xff<script src="/\xff.js" integrity="x">')) == ["/\ufffd.js"]
