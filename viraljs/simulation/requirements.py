"""What the simulator needs beyond what ViralJS needs: says how to get it where it is missing."""

from __future__ import annotations

from importlib.util import find_spec

from ..errors import SimulationError

EXTRA = 'pip install "viraljs[simulate]"'


def require(*modules: str) -> None:
    """Raise `SimulationError` unless all modules can be imported."""
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise SimulationError(f"the simulator needs {' and '.join(missing)}: {EXTRA}")
