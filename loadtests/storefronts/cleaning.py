"""Cleaning up after a run: the methods of a storefront that remove what a run created, by kind."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from loadtests.demand.plan import is_name
from slo.documents import BadInput

# The refusal that says that what was to be removed isn't there any more.
GONE: Final = "gone"
_MARK = "__peakproof_cleanup__"
Method = TypeVar("Method", bound=Callable[..., Any])


def cleanup(kind: str) -> Callable[[Method], Method]:
    """Mark a method of a storefront as the one that removes what a run created of `kind`, such as "order".

    It is called with one `Created` at a time. When it returns, that is removed; when the shop refuses with the reason
    `gone` it was gone already. Anything else that is raised leaves it, and is said.
    """

    def mark(marked: Method) -> Method:
        setattr(marked, _MARK, kind)
        return marked

    return mark


def cleanups_of(shop: type) -> Mapping[str, str]:
    """Return the names of the methods of a storefront's class that clean up, by kind; raises BadInput."""
    found: dict[str, str] = {}
    for attribute in dict.fromkeys(name for one in reversed(shop.__mro__) for name in vars(one)):
        method = getattr(shop, attribute, None)
        kind = getattr(method, _MARK, None)
        if kind is None or method is None:
            continue
        place = f"{shop.__name__}.{attribute}"
        if not isinstance(kind, str) or not is_name(kind):
            raise BadInput(
                f'{place}: @cleanup("{kind}"): a kind has 1 to 40 of a-z, 0-9 and inner hyphens, such as "order"'
            )
        if len(inspect.signature(method).parameters) != 2:  # noqa: PLR2004 - self, and what to remove
            raise BadInput(f"{place}: a cleanup is called with what it removes: def {attribute}(self, {kind})")
        if kind in found:
            raise BadInput(f"{place}: a second method cleans up the kind {kind}")
        found[kind] = attribute
    return found
