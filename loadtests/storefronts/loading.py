"""Loads a storefront from a user's file: one Python file with one subclass of `Shop`."""

from pathlib import Path

from loadtests.environment.own_module import classes_of, load_module
from loadtests.storefronts.shop import Shop
from loadtests.storefronts.storefront import Storefront
from slo.documents import BadInput


def load_storefront(path: Path) -> Storefront:
    """Run a storefront's file and return its storefront; raises BadInput, which names the line that is wrong."""
    storefront = _loaded(path)
    if not storefront.journeys:
        raise BadInput(f"{path}: {storefront.shop.__name__} has no journey: mark a method with @journey")
    return storefront


def load_cleanup(path: Path) -> Storefront:
    """Run a file of cleanups of its own and return them as a storefront; raises BadInput as `load_storefront`."""
    storefront = _loaded(path)
    if not storefront.cleanups:
        name = storefront.shop.__name__
        raise BadInput(f'{path}: {name} cleans nothing up: mark a method with @cleanup("order")')
    return storefront


def _loaded(path: Path) -> Storefront:
    shops = classes_of(load_module(path), Shop)
    if len(shops) != 1:
        found = ", ".join(sorted(shop.__name__ for shop in shops)) or "none"
        raise BadInput(f"{path}: expected one class that is a Shop (class Mine(Shop):), found {found}")
    (shop,) = shops
    try:
        return Storefront.of(path.stem, shop)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
