"""What can go wrong, as a tree, so that a caller can catch as much or as little as they mean to.

ViralJSError
├── ConfigurationError   a VIRALJS_* key, or an option of the decorator, is unknown or of the wrong kind
├── InitialisationError  init_app twice on one app, or a decorated view in an app without init_app
├── BundleError          bytes that can't be a bundle
├── TokenError           a ticket or proof that is forged, expired or not a token
│   └── ExpiredError     it was good once
├── SimulationError      what is to be simulated can't be: an option, a trace, a library that is not there
└── MessageError         a signaling message that is malformed, oversized or out of order; knows its close code
"""

from __future__ import annotations


class ViralJSError(Exception):
    """Base of every error that this package raises on purpose."""


class ConfigurationError(ViralJSError, ValueError):
    """A setting is unknown or ill-typed; the message names it and what was expected."""


class InitialisationError(ViralJSError, RuntimeError):
    """The extension was set up twice, or not at all, for an app."""


class BundleError(ViralJSError, ValueError):
    """The bytes can't be cut into a manifest."""


class TokenError(ViralJSError):
    """A ticket or proof does not hold."""


class ExpiredError(TokenError):
    """A ticket holds no longer."""


class SimulationError(ViralJSError, ValueError):
    """The simulator was asked for what it can't do; the message says what would be right."""


class MessageError(ViralJSError):
    """A peer's message can't be accepted.

    Args:
        reason: what was wrong and what would be right, in at most 123 bytes (RFC 6455, 5.5.1).
        code: the WebSocket close code, from the private range 4000 to 4999 (RFC 6455, 7.4.2).
    """

    def __init__(self, reason: str, code: int = 4400) -> None:
        """Keep both parts; the text of the error is the reason."""
        super().__init__(reason)
        self.reason = reason
        self.code = code
