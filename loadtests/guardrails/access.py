"""What allows an environment to be loaded, found out without a request: permission, addresses, side effects."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from loadtests.environment.destinations import Destinations
from loadtests.environment.resolved_environment import ResolvedEnvironment
from loadtests.guardrails.permission import permitted
from loadtests.guardrails.preflight import check_side_effects
from loadtests.guardrails.production import production_at, undeclared
from loadtests.results.inputs import Inputs
from slo.validity.run_document import DestinationsFacts, PermissionFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessFacts:
    """What allows the load: where it goes, which production environments are there too, and the permission."""

    destinations: DestinationsFacts
    shares_addresses: Mapping[str, tuple[str, ...]]
    permission: PermissionFacts | None


def check_permission(inputs: Inputs, permit: Path | None) -> PermissionFacts | None:
    """Return the permission that the run rests on; raises EnvironmentLacks when it needs one and has none."""
    permission = permitted(inputs, permit, datetime.now(UTC))
    return None if permission is None else PermissionFacts.model_validate(permission.to_json())


def check_addresses(
    inputs: Inputs, permit: Path | None, destinations: Destinations, permission: PermissionFacts | None
) -> AccessFacts:
    """Treat an environment with production's addresses as production, unless `shares_addresses_with` names it.

    Raises EnvironmentLacks without a permission, or when that can't be found out.
    """
    reached = {} if inputs.production else production_at(inputs.environment, destinations, inputs.productions)
    if reaches := undeclared(inputs.environment, reached):
        permission = check_permission(replace(inputs, production=True, reaches=reaches), permit)
    return AccessFacts(
        destinations=DestinationsFacts.model_validate(destinations.to_json()),
        shares_addresses={name: tuple(addresses) for name, addresses in reached.items()},
        permission=permission,
    )


def check_allowed(inputs: Inputs, permit: Path | None, resolved: ResolvedEnvironment) -> AccessFacts:
    """Check what needs no request: permission, addresses, side effects; return what allows the load.

    Raises EnvironmentLacks for what may not be loaded.
    """
    permission = check_permission(inputs, permit)
    access = check_addresses(inputs, permit, resolved.destinations, permission)
    check_side_effects(inputs.environment_name, inputs.environment, resolved.destinations)
    return access
