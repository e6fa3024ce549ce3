"""Fixtures of the browser tests: sites and visitors, which end with their test, the visitors first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

import pytest

from tests.browser.stage import Stage, Visitor
from tests.support.chromium import Chromium, Chromiums
from tests.support.firefox import Firefox
from tests.support.site import Site

MakeSite = Callable[..., Site]
Browsers = Callable[..., Chromium]


@pytest.fixture
def make_site() -> Iterator[MakeSite]:
    """Make a running site; settings as `deadline=300`, without `VIRALJS_`."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(Site(**settings).running())


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """The site with the settings of most tests."""
    return make_site()


@pytest.fixture(scope="session")
def chromiums(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromiums]:
    """Browsers that no test has at the moment."""
    pool = Chromiums(lambda: tmp_path_factory.mktemp("profile"))
    yield pool
    pool.quit()


@pytest.fixture(scope="session")
def firefoxes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], Firefox]]:
    """The first Firefox, and the second: they last, since a site has a port of its own."""
    with ExitStack() as stack:

        @cache
        def open_browser(_: int) -> Firefox:
            browser = Firefox(tmp_path_factory.mktemp("firefox"))
            stack.callback(browser.quit)
            return browser

        yield open_browser


@contextmanager
def _browsers(chromiums: Chromiums, factory: pytest.TempPathFactory) -> Iterator[Browsers]:
    with ExitStack() as stack:

        def open_browser(*patches: str, page_load_strategy: str = "normal", **options: Any) -> Chromium:
            if options:
                browser = Chromium(factory.mktemp("profile"), patches, page_load_strategy, **options)
                stack.callback(browser.quit)
            else:
                browser = chromiums.take(patches, page_load_strategy)
                stack.callback(chromiums.put_back, browser)
            return browser

        yield open_browser


@pytest.fixture
def browsers(make_site: Any, chromiums: Chromiums, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browsers]:
    """Open a browser, with patches for its pages if need be. Each is a process with a profile of its own."""
    with _browsers(chromiums, tmp_path_factory) as open_browser:
        yield open_browser


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def pair(
    request: pytest.FixtureRequest, lasting_browsers: Browsers, firefoxes: Callable[[int], Firefox]
) -> tuple[Visitor, Visitor]:
    """Two browsers of one kind, first Chromium, then Firefox, for all tests of a module."""
    if request.param == "firefox":
        return firefoxes(0), firefoxes(1)
    return lasting_browsers(), lasting_browsers()


@pytest.fixture(scope="module")
def firefox(firefoxes: Callable[[int], Firefox]) -> Firefox:
    """One Firefox for all tests of a module."""
    return firefoxes(0)


@pytest.fixture
def at_home(firefox: Firefox) -> Iterator[Firefox]:
    """The module's Firefox, which leaves the site when the test is over."""
    yield firefox
    firefox.leave()


@pytest.fixture
def stage(request: pytest.FixtureRequest, make_site: MakeSite, pair: tuple[Visitor, Visitor]) -> Iterator[Stage]:
    """A site of its own for two browsers; a test gives it more settings by a parameter."""
    site = make_site(min_size=1, **getattr(request, "param", {}))
    yield Stage(site, *pair)
    for visitor in pair:
        visitor.leave()


@pytest.fixture(scope="module")
def lasting_browsers(chromiums: Chromiums, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browsers]:
    """Open a browser for all tests of a module: their sites have a port each, and so are strangers to each other."""
    with _browsers(chromiums, tmp_path_factory) as open_browser:
        yield open_browser
