"""A storefront's methods that clean up are known by kind, and a mistake in one is refused by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loadtests.results.created import Created
from loadtests.storefronts.cleaning import cleanup, cleanups_of
from loadtests.storefronts.loading import load_cleanup
from loadtests.storefronts.shop import Shop
from loadtests.storefronts.twisted_threads_customers import TwistedThreads
from slo.documents import BadInput


def shop(*methods: Callable[..., Any]) -> type[Shop]:
    return type("Mine", (Shop,), {method.__name__: method for method in methods})


def test_the_built_in_storefront_removes_orders_and_accounts() -> None:
    assert cleanups_of(TwistedThreads) == {"order": "cancel_order", "account": "forget_customer"}


def test_a_subclass_may_replace_what_it_inherits() -> None:
    class Mine(TwistedThreads):
        @cleanup("order")
        def cancel_order(self, order: Created) -> None: ...

    assert cleanups_of(Mine)["order"] == "cancel_order"


def test_two_methods_for_one_kind_are_refused() -> None:
    def first(self: Shop, order: Created) -> None: ...
    def second(self: Shop, order: Created) -> None: ...

    made = shop(cleanup("order")(first), cleanup("order")(second))
    with pytest.raises(BadInput, match=r"^Mine\.second: a second method cleans up the kind order$"):
        cleanups_of(made)


def test_a_kind_is_a_name() -> None:
    def drop(self: Shop, order: Created) -> None: ...

    why = r'^Mine\.drop: @cleanup\("An order"\): a kind has 1 to 40 of a-z, 0-9 and inner hyphens, such as "order"$'
    with pytest.raises(BadInput, match=why):
        cleanups_of(shop(cleanup("An order")(drop)))


def test_a_cleanup_takes_what_it_removes() -> None:
    def drop(self: Shop) -> None: ...

    with pytest.raises(
        BadInput, match=r"^Mine\.drop: a cleanup is called with what it removes: def drop\(self, cart\)$"
    ):
        cleanups_of(shop(cleanup("cart")(drop)))


def test_a_file_of_cleanups_needs_no_journey_and_one_without_a_cleanup_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cleanup.py"
    head = "from peakproof import Shop, cleanup\nclass Mine(Shop):\n"
    path.write_text(f'{head}    @cleanup("order")\n    def drop(self, order): ...\n')
    assert load_cleanup(path).cleanups == {"order": "drop"}
    path.write_text("from peakproof import Shop\nclass Mine(Shop): ...\n")
    with pytest.raises(BadInput) as refused:
        load_cleanup(path)
    assert str(refused.value) == f'{path}: Mine cleans nothing up: mark a method with @cleanup("order")'
