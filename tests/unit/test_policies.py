"""Pages whose own policy forbids what peers give."""

from viraljs.policies import MOST_PAGES, SECONDS, Policies


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_page_is_known_until_it_is_made_without_such_a_policy():
    policies = Policies(Clock())
    policies.note("page a/", "text")
    assert policies.forbid("page a/")
    assert not policies.forbid("page a/other")
    policies.lift("page a/")
    policies.lift("page a/other")
    assert not policies.forbid("page a/")


def test_a_page_that_is_not_made_again_is_forgotten_in_time():
    clock = Clock()
    policies = Policies(clock)
    policies.note("page a/", None)
    clock.now = SECONDS - 1
    assert policies.forbid("page a/")
    policies.note("page a/", None)
    clock.now = 2 * SECONDS - 2
    assert policies.forbid("page a/")
    clock.now = 2 * SECONDS
    assert not policies.forbid("page a/")


def test_the_log_hears_once_and_nothing_of_pages_that_are_not_known():
    policies = Policies(Clock())
    policies.note("page a/", "text")
    assert [policies.tell(page) for page in ("page a/", "page a/", "page b/")] == ["text", None, None]
    policies.note("page a/", None)
    assert policies.tell("page a/") is None


def test_there_are_never_more_than_so_many_and_the_newest_stay():
    policies = Policies(Clock())
    for number in range(MOST_PAGES + 1):
        policies.note("first" if number == MOST_PAGES - 1 else f"page {number}", None)
        policies.note("first", None)
    assert policies.forbid("first")
    assert not policies.forbid("page 0")
    assert policies.forbid(f"page {MOST_PAGES}")
