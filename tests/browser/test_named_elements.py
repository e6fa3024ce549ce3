"""Elements of a page may be called like anything that the client looks at (HTML, "named access"): nothing breaks."""

from tests.support.site import TAG, bundle
from tests.support.until import until

SIZE = 20_000
NAMES = ("ViralJS", "viraljsNative", "cookie", "readyState", "head", "body", "baseURI")
NAMED = "".join(f'<form id="{name}" name="{name}"></form>' for name in NAMES)
MODULE_TAG = "{{ viral_script('/b/entry.js', type='module') }}"


def test_a_bundle_runs_and_is_delivered_beside_elements_of_such_names(stage):
    stage.show(f"</head><body>{NAMED}{TAG}", {"app.js": bundle(SIZE).decode()})
    assert stage.same("[runs, answer, errors, document.forms.ViralJS.tagName]", "window.runs") == [1, 42, [], "FORM"]


def test_modules_are_linked_beside_elements_of_such_names(stage):
    stage.show(
        f"</head><body>{NAMED}{MODULE_TAG}",
        {
            "entry.js": f'import {{ answer }} from "./part.js"; window.got = answer;\n{bundle(SIZE).decode()}',
            "part.js": f"export const answer = 42;\n/*{'-' * SIZE}*/",
        },
    )
    stage.seed()
    stage.deliver()
    assert stage.look(stage.visitor, "[got, runs, errors]", "window.got") == [42, 1, []]


def test_the_apps_own_global_of_our_name_stays(stage):
    stage.show(f"<script>var ViralJS = 'the app';</script>{TAG}", {"app.js": bundle(SIZE).decode()})
    seeding = "events.some(({ name }) => name === 'seeding')"
    stage.seeder.visit(stage.site.url())
    until(lambda: stage.seeder.js(seeding), "the bundle to be seeded")
    stage.visitor.visit(stage.site.url())
    until(lambda: stage.visitor.js(seeding), "the recipient to seed")
    delivered = "events.filter(({ name }) => name === 'delivered').map(({ source, reason }) => [source, reason])"
    assert stage.look(stage.visitor, f"[ViralJS, runs, errors, {delivered}]") == ["the app", 1, [], [["peers", None]]]
