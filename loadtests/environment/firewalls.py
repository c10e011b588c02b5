"""Recognises a firewall's replies: a challenge page is neither an error of the shop nor a page of it."""

from collections.abc import Iterable

from loadtests.environment.targets import Blocked

# A page of the shop may hold a challenge's script as well; these statuses are the ones that firewalls answer with.
_CHALLENGING = frozenset({202, 403, 405, 503})
_DENIED, _SERVER_ERROR = 403, 500
# A shop's own error page holds it as well: its theme loads such a script on each page.
_WEAK = b"captcha"
_HEAD_BYTES = 64 << 10


class Firewall:
    """The rules of one environment, ready for use."""

    def __init__(self, rules: Blocked) -> None:
        self._statuses = frozenset(rules.statuses)
        self._of_any = {name.lower(): mark.lower() for name, mark in rules.header_contains.items()}
        denied = {name.lower(): mark.lower() for name, mark in rules.denied_header_contains.items()}
        self._of_denied = {**denied, **self._of_any}
        self._marks = tuple(mark.lower().encode() for mark in rules.body_contains)

    def has_answered(self, status: int, fields: Iterable[tuple[str, str]], body: bytes, *, accepted: bool) -> bool:
        """Whether a reply, its header names in lower case, is a firewall's; `accepted`: the step accepts its status."""
        return self.marks(status, fields) or (not accepted and self.takes_for_attack(status, body))

    def marks(self, status: int, fields: Iterable[tuple[str, str]]) -> bool:
        """Whether a header marks the reply as a firewall's, whether the step accepts its status or not."""
        marks = self._of_denied if status == _DENIED else self._of_any
        for name, value in fields:
            mark = marks.get(name)
            if mark is not None and mark in value.lower():
                return True
        return False

    def takes_for_attack(self, status: int, body: bytes) -> bool:
        """Whether a reply that the step doesn't accept is a firewall's by its status and its body."""
        return status in self._statuses or (status in _CHALLENGING and self._is_marked(status, body))

    def _is_marked(self, status: int, body: bytes) -> bool:
        head = body[:_HEAD_BYTES].lower()
        return any(mark in head for mark in self._marks if mark != _WEAK or status < _SERVER_ERROR)
