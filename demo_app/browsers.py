"""Headless visitors: Chromium processes that open the page one after another, and stay.

Selenium drives them and only them; that a delivery is over and seeded on is told by the server's own swarm.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import DemoError
from .swarm import Swarm, Visitor

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DRIVER = "chromedriver"
WIDTH, HEIGHT = 1280, 1400
DELIVERY_SECONDS = 60.0
"""Far beyond any delivery, so that a slow machine is not taken for a broken one."""
DRAWING_SECONDS = 30.0
INSTALL = "on Debian: sudo apt-get install chromium chromium-driver"


@contextmanager
def visitors(url: str, swarm: Swarm, count: int) -> Iterator[list[Chrome]]:
    """Open the page in as many browsers, each when the one before it seeds; close them all in the end.

    Raises:
        DemoError: what this needs is not installed, or a delivery failed.
    """
    browser, driver = _find_programs()
    with ExitStack() as stack:
        profiles = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="viraljs-demo-")))
        opened = []
        for number in range(1, count + 1):
            opened.append(stack.enter_context(_chromium(browser, driver, profiles / str(number))))
            opened[-1].get(url)
            _check(swarm.wait_for(number, DELIVERY_SECONDS), number)
            _wait_for_drawing(opened[-1], number)
        yield opened


def save_picture(browser: Chrome, file: Path, count: int) -> None:
    """Save what a browser shows, in light colours, once it shows that many visitors."""
    _wait_for_drawing(browser, count)
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "light"}]}
    )
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False},
    )
    # Two frames on, charts have taken the new size.
    browser.execute_async_script("const [done] = arguments; requestAnimationFrame(() => requestAnimationFrame(done));")
    if not browser.save_screenshot(str(file)):
        raise DemoError(f"the picture could not be written to {file}")


def _find_programs() -> tuple[str, str]:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise DemoError(f"--browsers needs Chromium, and none of {', '.join(BROWSERS)} is on the PATH; {INSTALL}")
    driver = shutil.which(DRIVER)
    if driver is None:
        raise DemoError(f"--browsers needs {DRIVER}, which is not on the PATH; {INSTALL}")
    return browser, driver


@contextmanager
def _chromium(browser: str, driver: str, profile: Path) -> Iterator[Chrome]:
    try:
        from selenium.common import WebDriverException
        from selenium.webdriver import Chrome, ChromeOptions, ChromeService
    except ImportError as error:
        raise DemoError("--browsers needs Selenium: pip install --editable '.[demo]'") from error
    options = ChromeOptions()
    options.binary_location = browser
    for argument in (
        "--headless=new",
        "--disable-background-networking",
        "--disable-dev-shm-usage",
        f"--user-data-dir={profile}",
        f"--window-size={WIDTH},{HEIGHT}",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
    ):
        options.add_argument(argument)
    # In a session of its own, so that Ctrl-C in the terminal comes to us alone, who then close things in order.
    service = ChromeService(executable_path=driver, popen_kw={"start_new_session": True})
    try:
        chrome = Chrome(options=options, service=service)
    except WebDriverException as error:
        raise DemoError(f"{browser} did not start: {str(error.msg).splitlines()[0]}") from error
    try:
        yield chrome
    finally:
        with suppress(WebDriverException, OSError):
            chrome.quit()


def _check(visitor: Visitor | None, number: int) -> None:
    if visitor is None:
        raise DemoError(f"visitor {number} did not get the bundle and seed it within {DELIVERY_SECONDS:.0f} s")
    if number > 1 and not visitor.from_peers:
        raise DemoError(f"visitor {number} got nothing from the visitors before it, but all from the server")


def _wait_for_drawing(browser: Chrome, count: int) -> None:
    """Wait until plotly has drawn this many visitors, all of them seeding."""
    from selenium.common import TimeoutException
    from selenium.webdriver.support.wait import WebDriverWait

    expected = f"{count} of {count} seeding"
    try:
        WebDriverWait(browser, DRAWING_SECONDS).until(
            lambda chrome: chrome.execute_script("return document.body.dataset.drawn") == expected
        )
    except TimeoutException as error:
        raise DemoError(f"the page of visitor {count} did not draw: expected {expected!r}") from error
