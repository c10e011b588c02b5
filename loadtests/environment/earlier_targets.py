"""What an environment that an earlier version recorded is called today; what a person writes is refused instead."""

from collections.abc import Mapping
from typing import Any

from loadtests.environment.record_targets import KINDS


def as_written_today(targets: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the targets of a run directory with the pages of shop records as they are declared today."""
    environments = targets.get("environments")
    if not isinstance(environments, Mapping):
        return targets
    return {**targets, "environments": {name: _environment(one) for name, one in environments.items()}}


def _environment(environment: object) -> object:
    if not isinstance(environment, Mapping):
        return environment
    pages = {kind: {"http": {"url": url}} for kind in KINDS if (url := environment.get(f"{kind}_url")) is not None}
    kept = {key: value for key, value in environment.items() if key not in {f"{kind}_url" for kind in KINDS}}
    if not pages:
        return kept
    records = kept.get("shop_records") or {}
    if not isinstance(records, Mapping):  # nobody wrote that: it is refused by its name
        return kept
    return {**kept, "shop_records": {**records, **pages}}
