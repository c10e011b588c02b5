"""Loads a storefront from a user's file: one Python file with one subclass of `Shop`."""

from pathlib import Path

from loadtests.environment.own_module import classes_of, load_module
from loadtests.storefronts.shop import Shop
from loadtests.storefronts.storefront import Storefront
from slo.documents import BadInput


def load_storefront(path: Path) -> Storefront:
    """Run a storefront's file and return its storefront; raises BadInput, which names the line that is wrong."""
    shops = classes_of(load_module(path), Shop)
    if len(shops) != 1:
        found = ", ".join(sorted(shop.__name__ for shop in shops)) or "none"
        raise BadInput(f"{path}: expected one class that is a Shop (class Mine(Shop):), found {found}")
    (shop,) = shops
    try:
        storefront = Storefront.of(path.stem, shop)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    if not storefront.journeys:
        raise BadInput(f"{path}: {shop.__name__} has no journey: mark a method with @journey")
    return storefront
