"""Storefronts: how each kind of shop is browsed and bought from."""

from collections.abc import Mapping
from pathlib import Path

from loadtests.environment.storefront_targets import Locustfile
from loadtests.environment.targets import Environment
from loadtests.storefronts import twisted_threads_customers as twisted_threads
from loadtests.storefronts.loading import load_cleanup, load_storefront
from loadtests.storefronts.locustfile import load_locust_storefront
from loadtests.storefronts.shop import Given, Shop
from loadtests.storefronts.storefront import SOLD_OUT, Storefront

__all__ = ["BUILT_IN", "SOLD_OUT", "Given", "Shop", "Storefront", "cleanup_of", "load_storefront", "storefront_of"]

# By the names that targets.yaml may use: those of `loadtests.environment.storefront_targets.STOREFRONTS`.
BUILT_IN: Mapping[str, Storefront] = {twisted_threads.NAME: twisted_threads.STOREFRONT}


def cleanup_of(environment: Environment) -> Storefront:
    """Return what knows how to clean an environment up: the file that its `cleanup` names, else its storefront.

    Raises BadInput for a file that can't be used.
    """
    own = None if environment.cleanup is None else environment.cleanup.file
    return storefront_of(environment) if own is None else load_cleanup(Path(own))


def storefront_of(environment: Environment, copy: Path | None = None) -> Storefront:
    """Return the storefront of an environment: a built-in one, or its file's; `copy` is read instead of the file.

    Raises BadInput for a file that is no storefront.
    """
    if isinstance(environment.storefront, str):
        return BUILT_IN[environment.storefront]
    if isinstance(environment.storefront, Locustfile):
        return load_locust_storefront(environment, environment.storefront, copy)
    return load_storefront(copy or Path(environment.storefront.file))
