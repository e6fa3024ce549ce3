"""What all tests share."""

from hypothesis import settings

# No deadline: a slow moment of a shared machine is no failure.
settings.register_profile("viraljs", max_examples=60, deadline=None)
settings.load_profile("viraljs")
