"""How an exchange can fail, and the word of `docs/contracts.md` for it."""


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


def word_of(failure: Exception) -> str:
    """Return the error's word."""
    if isinstance(failure, TimeoutError):
        return "timeout"
    return "connection" if isinstance(failure, OSError) else "protocol"
