"""What looks at sessions, on the oldest Flask that setup.cfg allows and on the last that noted reads in another way."""

import os
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KEPT = Path(sys.prefix) / "flasks"
"""Beside the packages of the environment in which the tests run, and gone with it."""
OLDEST = "3.0.0"
TESTS = ("tests/unit/test_personal.py", "tests/integration/test_public.py")


def flask_of(release):
    """Give the folder of a Flask without what it needs, which the environment has; fetched once."""
    folder = KEPT / release
    if not folder.is_dir():
        new = KEPT / f"{release}.{os.getpid()}"
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", new, f"flask=={release}"],
            check=True,
        )
        new.rename(folder)
    return folder


def test_the_oldest_is_the_oldest_that_may_be_installed():
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")

    assert f"flask>={OLDEST.removesuffix('.0')}" in setup["options"]["install_requires"].split("\n")


@pytest.mark.parametrize("release", [OLDEST, "3.1.2"])
def test_sessions_on_an_older_flask(release):
    path = os.pathsep.join([str(flask_of(release)), str(ROOT)])
    code = "import sys, flask, pytest; assert sys.argv[1] in flask.__file__; sys.exit(pytest.main(sys.argv[2:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, release, "-q", "-p", "no:cacheprovider", *TESTS],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
