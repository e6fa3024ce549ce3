"""The version of the package, alone so that setup.cfg can read it without importing Flask."""

__version__ = "0.1.0"
