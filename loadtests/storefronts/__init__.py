"""Storefronts: how each kind of shop is browsed and bought from."""

from collections.abc import Mapping
from pathlib import Path

from loadtests.environment.targets import Environment
from loadtests.storefronts import twisted_threads_customers as twisted_threads
from loadtests.storefronts.loading import load_storefront
from loadtests.storefronts.shop import Given, Shop
from loadtests.storefronts.storefront import SOLD_OUT, Storefront

__all__ = ["BUILT_IN", "SOLD_OUT", "Given", "Shop", "Storefront", "load_storefront", "storefront_of"]

# By the names that targets.yaml may use: those of `loadtests.environment.targets.STOREFRONTS`.
BUILT_IN: Mapping[str, Storefront] = {twisted_threads.NAME: twisted_threads.STOREFRONT}


def storefront_of(environment: Environment, copy: Path | None = None) -> Storefront:
    """Return the storefront of an environment: a built-in one, or its file's; `copy` is read instead of the file.

    Raises BadInput for a file that is no storefront.
    """
    if isinstance(environment.storefront, str):
        return BUILT_IN[environment.storefront]
    return load_storefront(copy or Path(environment.storefront.file))
