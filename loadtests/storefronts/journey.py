"""Journeys: the methods of a storefront that a session plays, by the names that a plan may use."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from loadtests.demand.plan import is_name
from slo.documents import BadInput

_MARK = "__peakproof_journey__"
Method = TypeVar("Method", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """One journey: its name, the method that plays it, and what it is for.

    Who `buys` means to place an order. With `sold_out_ok` sold out is an answer that the shopper came for, as in a
    flash drop; without it a shopper who finds nothing left is one whom the run couldn't serve.
    """

    name: str
    method: str
    buys: bool = False
    sold_out_ok: bool = False


@overload
def journey(method: Method) -> Method: ...


@overload
def journey(
    *, name: str | None = None, buys: bool = False, sold_out_ok: bool = False
) -> Callable[[Method], Method]: ...


def journey(
    method: Method | None = None, *, name: str | None = None, buys: bool = False, sold_out_ok: bool = False
) -> Method | Callable[[Method], Method]:
    """Mark a method of a storefront as a journey, with or without arguments.

    Its name in a plan is `name`, else the method's with hyphens: `window_shop` is `window-shop`. See `Journey` for
    `buys` and `sold_out_ok`.
    """

    def mark(marked: Method) -> Method:
        called = marked.__name__
        made = Journey(name=name or called.replace("_", "-"), method=called, buys=buys, sold_out_ok=sold_out_ok)
        setattr(marked, _MARK, made)
        return marked

    return mark if method is None else mark(method)


def journeys_of(shop: type) -> Mapping[str, Journey]:
    """Return the journeys of a storefront's class by name, in the order they are written; raises BadInput."""
    found: dict[str, Journey] = {}
    for attribute in _names(shop):
        made = getattr(getattr(shop, attribute, None), _MARK, None)
        if not isinstance(made, Journey):
            continue
        if not is_name(made.name):
            raise BadInput(
                f"{shop.__name__}.{attribute}: the journey's name {made.name!r} must be 1 to 40 of a-z, 0-9 and inner"
                " hyphens; give @journey(name=...)"
            )
        if needs := _needs(getattr(shop, attribute)):
            raise BadInput(
                f"{shop.__name__}.{attribute}: a journey is called with nothing but self, and this one needs {needs}"
            )
        if made.name in found:
            raise BadInput(f"{shop.__name__}.{attribute}: a second journey is named {made.name}")
        found[made.name] = made
    return found


def _needs(method: Callable[..., Any]) -> str:
    """Return what a method must be called with beside self, "" for nothing."""
    others = list(inspect.signature(method).parameters.values())[1:]
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    wanted = [one.name for one in others if one.default is one.empty and one.kind not in kinds]
    return ", ".join(wanted)


def _names(shop: type) -> list[str]:
    return list(dict.fromkeys(name for one in reversed(shop.__mro__) for name in vars(one)))
