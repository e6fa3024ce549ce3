"""What `import viraljs` gives: the face that DESIGN.md fixes."""

from importlib.metadata import version
from importlib.resources import files

import pytest

import viraljs


@pytest.mark.parametrize("name", viraljs.__all__)
def test_what_is_named_is_there(name):
    assert getattr(viraljs, name)


def test_the_face_is_this():
    assert {"ViralJS", "ConfigurationError", "InitialisationError", "ViralJSError", "signals"} < set(viraljs.__all__)


def test_the_version_is_that_of_the_package():
    assert viraljs.__version__ == version("viraljs")


def test_types_are_shipped():
    assert files("viraljs").joinpath("py.typed").is_file()
