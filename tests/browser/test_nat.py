"""Getting through: two visitors at home, each behind a router that translates addresses, and a TURN server of Debian."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.browser.patches import PATHS
from tests.support.nat import PUBLIC, TURN_SECRET, ChromiumAt, Internet, TurnServer, why_not
from tests.support.site import Site, bundle
from tests.support.until import until

SIZE = 500_000
SOON_MS = 3_000
"""A deadline for tests in which peers can't deliver; where they can, they have long begun by then."""
SECRET = f"--static-auth-secret={TURN_SECRET}"


class World:
    """An internet with a site in its middle, and two visitors at home."""

    def __init__(self, stack: ExitStack, internet: Internet, factory: pytest.TempPathFactory, **settings: Any) -> None:
        with internet.middle.entered():
            self.site = stack.enter_context(Site(**settings).running(PUBLIC))
        self.site.bundles["app.js"] = bundle(SIZE, dense=True)
        self._stack = stack
        self._factory = factory
        self._internet = internet

    def visit(self) -> tuple[ChromiumAt, ChromiumAt]:
        """Let one visit the site and seed, and then the other visit it; give both."""
        seeder, recipient = self._browser(self._internet.left), self._browser(self._internet.right)
        seeder.visit(self.site.url(host=PUBLIC)).seeding()
        recipient.visit(self.site.url(host=PUBLIC)).delivery()
        return seeder, recipient

    def _browser(self, home: Any) -> ChromiumAt:
        browser = ChromiumAt(home, self._factory.mktemp("profile"), [PATHS])
        self._stack.callback(browser.quit)
        return browser


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Take down what a test built, the last first."""
    lacking = why_not()
    if lacking:
        # Who skips in CI is never missed.
        (pytest.fail if os.environ.get("CI") and not os.getuid() else pytest.skip)(lacking)
    with ExitStack() as stack:
        yield stack


MakeWorld = Callable[..., World]


def chosen(browser: ChromiumAt) -> list[str]:
    """Give the types of the candidates, its own and the other's, that the one connection of a page uses."""
    browser.wait_for("paths.length === 1 && paths[0].length")
    types: list[str] = browser.js("paths[0].at(-1)")
    return types


def test_x(stack, tmp_path, tmp_path_factory):
    internet = Internet(stack)
    turn = TurnServer(stack, internet, tmp_path, "--stun-only")
    world = World(stack, internet, tmp_path_factory, ice_servers=[turn.stun])
    seeder, recipient = world.visit()
    print(recipient.delivery())
    print(chosen(seeder), chosen(recipient), world.site.direct_bytes())
