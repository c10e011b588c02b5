"""A source of shop records that couldn't be read."""


class SourceUnavailableError(Exception):
    """A declared source of shop records couldn't be read; the message is the reason in a few words."""


class RecordsError(SourceUnavailableError):
    """What a process read couldn't be used; the message is the reason in a line, with where it was read."""
