"""How a request can fail, and the `error` of `docs/contracts.md` for it."""

import errno

from gevent import GreenletExit

from loadtests.environment.proxy import ProxyError

# Limits of this machine: nothing was sent, and it isn't the shop's failure.
_LACKING = {errno.EMFILE: "no_descriptor", errno.ENFILE: "no_descriptor", errno.EADDRNOTAVAIL: "no_port"}


class ProtocolError(ValueError):
    """What was received isn't valid HTTP, or a request can't be expressed in it."""


class DeadlineError(TimeoutError):
    """The deadline passed."""


class UnsentError(ConnectionError):
    """No byte of the request was sent."""


class SilentError(ConnectionError):
    """The connection ended after the request, before the first byte of a response."""


class BrokenOffError(ConnectionError):
    """The connection ended within a response."""


class CutOffError(GreenletExit):  # type: ignore[misc]  # gevent has no types
    """The end of a visit broke off a request that had waited `waited_ns`, unsent, for a shared connection."""

    def __init__(self, waited_ns: int) -> None:
        super().__init__()
        self.waited_ns = waited_ns


def word_of(failure: Exception) -> str:
    """Return the `error` of a failure."""
    if isinstance(failure, ProxyError):
        return "proxy"
    if isinstance(failure, TimeoutError):
        return "timeout"
    if isinstance(failure, OSError):
        return _LACKING.get(failure.errno or 0, "connection")
    return "protocol"
