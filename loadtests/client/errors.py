"""How an exchange can fail, and the word of `docs/contracts.md` for it."""

import errno

from gevent import GreenletExit

from loadtests.environment.proxy import ProxyError

# What this machine lacks: nothing was sent, and the shop has no part in it.
_LACKING = {errno.EMFILE: "no_descriptor", errno.ENFILE: "no_descriptor", errno.EADDRNOTAVAIL: "no_port"}


class ProtocolError(ValueError):
    """What came isn't HTTP, or what should be sent can't be said in it."""


class DeadlineError(TimeoutError):
    """The exchange wasn't over in time."""


class UnsentError(ConnectionError):
    """Not a byte of the request was taken."""


class SilentError(ConnectionError):
    """The connection ended after the request and before a byte of its reply."""


class BrokenOffError(ConnectionError):
    """The connection ended within a reply."""


class CutOffError(GreenletExit):  # type: ignore[misc]  # gevent has no types
    """The end of a visit broke off a request that had waited `waited_ns`, unsent, for a shared connection."""

    def __init__(self, waited_ns: int) -> None:
        super().__init__()
        self.waited_ns = waited_ns


def word_of(failure: Exception) -> str:
    """Return the error's word."""
    if isinstance(failure, ProxyError):
        return "proxy"
    if isinstance(failure, TimeoutError):
        return "timeout"
    if isinstance(failure, OSError):
        return _LACKING.get(failure.errno or 0, "connection")
    return "protocol"
