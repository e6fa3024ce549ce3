"""What `pip install viraljs` gives: a wheel that carries the built client and works outside this repository."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

VISITOR = """
from importlib.resources import files

from flask import Flask, Response
from viraljs import ViralJS

here = files("viraljs")
built = ("static/thin.js", "static/addition.js", "templates/thin.js.j2", "templates/addition.js.j2")
for name in ("py.typed", "client/thin.js", *built):
    assert here.joinpath(name).is_file(), f"the wheel lacks {name}"
for name in ("client/node_modules", "client/package-lock.json"):
    assert not here.joinpath(name).exists(), f"the wheel should not carry {name}"

app = Flask(__name__)
app.secret_key = "for tests"
viral = ViralJS(app)

@app.get("/app.js")
@viral.bundle
def app_js():
    return Response("/* " + "x" * 100_000 + " */", mimetype="text/javascript")

response = app.test_client().get("/app.js")
assert response.status_code == 200, response.status
assert b"xxx" in response.data
print(here, response.headers["ViralJS-Delivery"])
"""


def run(*command, cwd):
    """Run a command; what it printed is in the failure."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def copy_of_repository(target):
    """Copy what git tracks or would track, so that a build leaves nothing in the tree and takes nothing ignored."""
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():  # a file deleted but not yet committed is still listed
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    source = copy_of_repository(tmp_path_factory.mktemp("source"))
    run(sys.executable, "-m", "build", "--wheel", "--outdir", "dist", cwd=source)
    (built,) = (source / "dist").glob("viraljs-*.whl")
    return built


def test_an_app_works_with_nothing_but_the_wheel(wheel, tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", wheel, cwd=tmp_path)

    said = run(python, "-W", "error", "-c", VISITOR, cwd=tmp_path)

    assert Path(said.split()[0]).is_relative_to(tmp_path), "viraljs came from elsewhere"
