"""How a session fails: errors that end a visit, and those of a storefront's code."""

NO_DATA = "no_data"
# What a check raises that can't read a reply.
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError)


class SessionFailedError(Exception):
    """A step didn't get the reply it needs; the shopper gives up. The message is the step's error.

    `why` is what is wrong with the reply, where a check or the storefront said.
    """

    why = ""


class PersonalDataError(Exception):
    """A name for the records that holds a customer's data: a mistake of the storefront's."""


class NothingFreeError(SessionFailedError):
    """A pool of test data has no row free: what the load lacks, not the shop. The message is the record's reason."""


class UnreadableReplyError(SessionFailedError):
    """A storefront's code can't read a reply: the reply lacks what it reads, or the code is wrong; see its cause."""


class CheckFailedError(ValueError):
    """A check's word on a reply that isn't what its step needs; the message says what is wrong with it."""
