"""Under each kind of policy a page either gets its bundles from peers or, at once, from the server."""

import pytest

from tests.support.site import NONCE, TAG, bundle, policy_by_script
from tests.support.until import until

NONCED = f"script-src 'nonce-{NONCE}'"
WATCH = f"""<script nonce="{NONCE}">
var broken = [];
document.addEventListener("securitypolicyviolation", ({{ effectiveDirective }}) => broken.push(effectiveDirective));
</script>"""
DEPENDENTS = f"""<script type="text/viral" nonce="{NONCE}">log.push(`inline ${{runs}}`);</script>
<script type="text/viral" src="/b/dependent.js" nonce="{NONCE}"></script>"""


ALLOWED = {
    "nonce": f"default-src 'none'; connect-src 'self'; img-src data:; {NONCED}",
    "nonce and strict-dynamic": f"{NONCED} 'strict-dynamic'; object-src 'none'; base-uri 'none'",
    "blob:": f"script-src 'self' 'nonce-{NONCE}' blob:",
    "Trusted Types": f"{NONCED}; require-trusted-types-for 'script'; trusted-types viraljs",
    "Trusted Types of any name": f"{NONCED}; require-trusted-types-for 'script'",
}


@pytest.mark.parametrize("name", ALLOWED)
def test_peers_deliver_bundles_and_dependents_under(name, stage):
    stage.show(
        WATCH + '{{ viral_script("/b/app.js", dependents=True) }}' + DEPENDENTS,
        {"app.js": bundle(code="var log = [];").decode(), "dependent.js": "log.push(`file ${answer}`);"},
        Content_Security_Policy=ALLOWED[name],
    )
    assert stage.same("[runs, log, errors, broken]", "window.log?.length === 2") == [1, ["inline 1", "file 42"], [], []]


def test_peers_deliver_to_a_page_that_is_isolated_from_other_origins(stage):
    stage.show(
        TAG,
        {"app.js": "var shared = new SharedArrayBuffer(8).byteLength, isolated = crossOriginIsolated;"},
        Cross_Origin_Opener_Policy="same-origin",
        Cross_Origin_Embedder_Policy="require-corp",
    )
    assert stage.same("[shared, isolated, errors]", "'isolated' in window") == [8, True, []]


FORBIDDEN = {
    "self": "script-src 'self'",
    "self for elements": "script-src-elem 'self'; script-src blob:",
    "a default": "default-src 'self'; img-src data:",
}
HEARD = "[runs, answer, errors]"


@pytest.fixture
def forbidding(stage):
    """A stage whose bundle is seeded from a page without a policy."""
    stage.show(TAG, {"app.js": bundle().decode()})
    stage.seed()
    return stage


def direct_bytes(site):
    return sum(one.sent for one in site.sent("/b/app.js") if one.kind != "thin") - site.sent("/b/app.js")[0].sent


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_page_whose_header_forbids_what_peers_give_is_never_tried(name, forbidding):
    site = forbidding.site
    site.show("strict", TAG.replace("nonce", ""), Content_Security_Policy=FORBIDDEN[name])
    forbidding.visitor.visit(site.url("strict"))
    assert forbidding.look(forbidding.visitor, "[runs, answer]", "window.runs") == [1, 42]
    assert site.kinds() == ["full", "untouched; reason=blocked"]
    assert direct_bytes(site) == 100_000


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_policy_that_the_server_does_not_see_is_found_out_before_anything_is_fetched(name, forbidding):
    site = forbidding.site
    site.show("strict", policy_by_script(FORBIDDEN[name]) + TAG)
    forbidding.visitor.visit(site.url("strict"))
    [record] = forbidding.records(forbidding.visitor)
    assert (record["source"], record["reason"], record["bytesFromServer"]) == ("server", "blocked", 100_000)
    assert forbidding.look(forbidding.visitor, "[runs, answer]") == [1, 42]
    assert site.kinds() == ["full", "thin", "untouched; reason=direct"]
    assert direct_bytes(site) == 100_000
    assert not site.sent("/viraljs/offers")
    # Neither this page again, whoever comes, nor this visitor elsewhere, for a while.
    site.wait_for_reports(1)
    forbidding.seeder.visit(site.url("strict"))
    until(lambda: forbidding.seeder.js("!!window.runs"), "the bundle to run")
    assert site.kinds()[-1] == "untouched; reason=blocked"


def test_where_trusted_types_forbid_our_policy_the_page_is_left_alone(forbidding):
    site = forbidding.site
    site.show(
        "strict", TAG, Content_Security_Policy=f"{NONCED}; require-trusted-types-for 'script'; trusted-types others"
    )
    forbidding.visitor.visit(site.url("strict"))
    assert forbidding.look(forbidding.visitor, HEARD, "window.runs") == [1, 42, []]
    assert site.kinds() == ["full", "untouched; reason=blocked"]


def test_a_page_whose_default_policy_takes_no_url_of_ours_is_left_alone(forbidding):
    site = forbidding.site
    own = f"""<script nonce="{NONCE}">
    trustedTypes.createPolicy("default", {{
      createScriptURL(url) {{
        if (!url.startsWith("/b/")) throw new TypeError(url);
        return url;
      }},
    }});
    </script>"""
    site.show(
        "strict",
        own + TAG,
        Content_Security_Policy=f"{NONCED}; require-trusted-types-for 'script'; trusted-types default",
    )
    forbidding.visitor.visit(site.url("strict"))
    assert forbidding.look(forbidding.visitor, HEARD, "window.runs") == [1, 42, []]
    assert site.kinds() == ["full", "untouched; reason=blocked"]


@pytest.mark.parametrize("tag", ['<script src="/b/app.js"></script>', '<script defer src="/b/app.js"></script>'])
@pytest.mark.parametrize("where", ["header", "page"])
def test_a_tag_written_by_hand_on_a_page_that_forbids_ours_is_left_alone(tag, where, forbidding, caplog):
    site, policy = forbidding.site, "require-trusted-types-for 'script'; trusted-types 'none'"
    headers = {"Content_Security_Policy": policy} if where == "header" else {}
    markup = f'<meta http-equiv="Content-Security-Policy" content="{policy}">' if where == "page" else ""
    site.show("strict", markup + tag, **headers)
    for _ in range(2):
        forbidding.visitor.visit(site.url("strict"))
        assert forbidding.look(forbidding.visitor, HEARD, "window.runs") == [1, 42, []]
    assert set(site.kinds()[1:]) == {"untouched; reason=blocked"}
    assert len([line for line in caplog.messages if "the page /strict forbids what peers give" in line]) == 1


def test_a_page_that_may_not_be_named_is_left_alone_where_one_of_the_site_forbids_ours(forbidding):
    site = forbidding.site
    site.show(
        "strict",
        '<script defer src="/b/app.js"></script>',
        Content_Security_Policy="require-trusted-types-for 'script'; trusted-types 'none'",
        Referrer_Policy="no-referrer",
    )
    forbidding.visitor.visit(site.url("strict"))
    assert forbidding.look(forbidding.visitor, HEARD, "window.runs") == [1, 42, []]
    assert site.kinds() == ["full", "untouched; reason=blocked"]


def test_a_page_that_may_not_ask_its_server_is_never_tried(forbidding):
    site = forbidding.site
    site.show("strict", TAG, Content_Security_Policy=f"{NONCED}; connect-src 'none'")
    forbidding.visitor.visit(site.url("strict"))
    assert forbidding.look(forbidding.visitor, "[runs, answer]", "window.runs") == [1, 42]
    assert site.kinds() == ["full", "untouched; reason=blocked"]
