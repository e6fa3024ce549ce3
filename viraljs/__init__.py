"""ViralJS turns the visitors of a Flask site into its CDN. See `viraljs.extension.ViralJS`."""

from . import signals
from ._version import __version__
from .errors import ConfigurationError, InitialisationError, ViralJSError
from .extension import ViralJS

__all__ = ["ConfigurationError", "InitialisationError", "ViralJS", "ViralJSError", "__version__", "signals"]
