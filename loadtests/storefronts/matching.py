"""What a step expects, and what is a refusal: by status, by values of the JSON, or by a function of the page."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from loadtests.shopper.session_errors import CheckFailedError
from loadtests.storefronts.page import Page

# A status, several, values of the JSON by path, or a function of the page.
Match = int | Collection[int] | Mapping[str, object] | Callable[[Page], object]
OK = frozenset(range(200, 300))
_MISSING = object()


def statuses_of(expect: Match) -> frozenset[int]:
    """Return the statuses that a step accepts: those that are named, else every 2xx."""
    if isinstance(expect, int):
        return frozenset({expect})
    if isinstance(expect, Mapping) or callable(expect):
        return OK
    return frozenset(expect)


def check(expect: Match, page: Page) -> None:
    """Raise CheckFailedError when the content isn't what is expected; statuses are checked before."""
    if isinstance(expect, Mapping):
        for path, value in expect.items():
            found = page.get(path, _MISSING)
            if found is _MISSING:
                raise CheckFailedError(f"{path}: not there, expected {value!r}")
            if found != value:
                raise CheckFailedError(f"{path}: expected {value!r}, found {found!r}")
    elif callable(expect) and not expect(page):
        raise CheckFailedError(f"{_name(expect)} says no")


def refusal_of(refused: Mapping[str, Match], page: Page) -> str | None:
    """Return the reason of the first refusal that `page` matches, None for none."""
    return next((reason for reason, match in refused.items() if _matches(match, page)), None)


def _matches(match: Match, page: Page) -> bool:
    if isinstance(match, int):
        return page.reply.status == match
    if isinstance(match, Mapping):
        return _is_json(page) and all(page.get(path, _MISSING) == value for path, value in match.items())
    if callable(match):
        return bool(match(page))
    return page.reply.status in match


def _is_json(page: Page) -> bool:
    return page.reply.body.lstrip()[:1] in (b"{", b"[")


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)
