"""What the registry tells the matching."""

import pytest

from viraljs.nearness import NOWHERE
from viraljs.peers import Candidate


def test_a_candidate_is_a_value():
    one = Candidate("a", NOWHERE, uploads=1, progress=50)

    assert one == Candidate("a", NOWHERE, 1, 50)
    assert hash(one) == hash(Candidate("a", NOWHERE, 1, 50))
    with pytest.raises(AttributeError):
        one.uploads = 2  # type: ignore[misc]
