"""The step that a request is recorded as, where the locustfile gives no `name=`: its method and path, ids left out."""

import re
from collections.abc import Iterable

from loadtests.locustfiles.exceptions import VisitEndedError

MOST_STEPS, LONGEST = 500, 100
_MOST_KNOWN = 20_000
_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
# What no two shoppers have in common: numbers, UUIDs, hashes, ULIDs, and words that hold three digits or more.
_ID = re.compile(rf"\d+|{_UUID}|[0-9a-fA-F]{{16,}}|(?=(?:[^\d]*\d){{3}})[\w.~+-]+|[\w~+-]{{25,}}", re.ASCII)


class StepNameError(Exception):
    """The locustfile has more kinds of requests than can be told apart."""


class StepNames:
    """The names of one locustfile's steps; `routes` are the paths that its source spells, with {holes}."""

    def __init__(self, routes: Iterable[str] = ()) -> None:
        self._routes = [(_pattern(route), route) for route in sorted(routes, key=_least_open)]
        self._known: dict[tuple[str, str], str] = {}
        self._redirects: dict[str, str] = {}

    def of(self, method: str, path: str) -> str:
        """Return the step of a request that has no name; raises VisitEndedError as `named` does."""
        key = method, path
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            found = self._known[key] = f"{method} {self.route(path)}"[:LONGEST]
        return found

    def named(self, step: str) -> str:
        """Return what the redirects of a step are called.

        Raises VisitEndedError for a name that no record can use, and when there are too many different ones.
        """
        known = self._redirects.get(step)
        return known if known is not None else self._new(step)

    def route(self, path: str) -> str:
        """Return a path without its query and its ids: as the source spells it, else each id as {id}."""
        bare = path.partition("?")[0].partition("#")[0]
        for pattern, route in self._routes:
            if pattern.fullmatch(bare):
                return route
        return without_ids(bare)

    def _new(self, step: str) -> str:
        if not (step.isprintable() and 0 < len(step) <= LONGEST):
            why = f"a request's name must have 1 to {LONGEST} printable characters, found {step[:120]!r}"
            raise VisitEndedError(StepNameError(why))
        if len(self._redirects) >= MOST_STEPS:
            why = (
                f"the locustfile makes over {MOST_STEPS} different kinds of requests, the last {step!r}:"
                " give those that belong together one name="
            )
            raise VisitEndedError(StepNameError(why))
        return self._redirects.setdefault(step, f"{step}-redirect")


def without_ids(path: str) -> str:
    """Return a path with {id} for each part of it that is one."""
    return "/".join("{id}" if part and _ID.fullmatch(part) else part for part in path.split("/")) or "/"


def _pattern(route: str) -> re.Pattern[str]:
    parts = re.split(r"(\{[^{}/]*\})", route)
    return re.compile("".join("[^/]+" if part[:1] == "{" else re.escape(part) for part in parts))


def _least_open(route: str) -> tuple[int, int, str]:
    """Sort what is spelled out before what is left open."""
    return route.count("{"), -len(route), route
