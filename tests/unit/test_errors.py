"""The tree of errors, as its docstring draws it."""

import pytest

from viraljs import errors
from viraljs.errors import MessageError, ViralJSError

TREE = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}


@pytest.mark.parametrize("name", TREE)
def test_one_except_catches_every_error_of_the_package(name):
    assert issubclass(TREE[name], ViralJSError)


@pytest.mark.parametrize("name", TREE)
def test_the_docstring_draws_every_error(name):
    assert name in (errors.__doc__ or "")


def test_settings_and_bundles_of_the_wrong_kind_are_value_errors_too():
    assert issubclass(errors.ConfigurationError, ValueError)
    assert issubclass(errors.BundleError, ValueError)
    assert issubclass(errors.InitialisationError, RuntimeError)


def test_a_message_error_carries_reason_and_close_code():
    error = MessageError("too long", 4413)

    assert (str(error), error.reason, error.code) == ("too long", "too long", 4413)


def test_a_message_error_without_a_code_is_a_bad_message():
    assert MessageError("nonsense").code == 4400
