"""Storefronts: how each kind of shop is browsed and bought from."""

from collections.abc import Mapping, Sequence

from loadtests.storefronts import twisted_threads
from loadtests.storefronts.storefront import Storefront, StorefrontSpec

__all__ = ["STOREFRONTS", "WALKS", "Storefront", "StorefrontSpec"]

# By the names that targets.yaml may use: those of `loadtests.environment.targets.STOREFRONTS`.
STOREFRONTS: Mapping[str, StorefrontSpec] = {"twisted-threads": twisted_threads.SPEC}
# How a real browser walks through each kind of shop that it can walk through.
WALKS: Mapping[str, Sequence[tuple[str, str]]] = {name: spec.walk for name, spec in STOREFRONTS.items() if spec.walk}
