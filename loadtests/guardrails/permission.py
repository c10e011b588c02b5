"""Permission to load production: a file that names the environment, the plan, who granted it, why, and until when.

It is checked before anything is sent to the environment, and copied into run.json.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from loadtests.environment.notice_targets import LabelValue
from loadtests.environment.target_fields import BaseAddress, Label
from loadtests.results.inputs import Inputs
from slo import yaml_text
from slo.documents import Document, read_yaml
from slo.outcomes import EnvironmentLacks

LONGEST = timedelta(hours=24)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must not hold a line break or a control character")
    return text


Words = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]


class Permission(Document):
    """Permission to run one plan against one production environment, for 24 hours at the most.

    `silences` names the environment, as its alerts do, whose alerts may be silenced meanwhile; without it none may.
    """

    format: Literal["peakproof/permission/v1"]
    environment: Label
    base_url: BaseAddress
    hosts: Mapping[Label, BaseAddress] = Field(default_factory=dict)
    plan_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    who: Words
    why: Words
    silences: LabelValue | None = None
    granted_at: AwareDatetime
    until: AwareDatetime

    @model_validator(mode="after")
    def _expires(self) -> Self:
        if not self.granted_at < self.until <= self.granted_at + LONGEST:
            raise ValueError("until must be after granted_at, by 24 hours at the most")
        return self

    def to_yaml(self) -> str:
        """Return the document."""
        return yaml.dump(
            self.model_dump(mode="json", exclude_none=True),
            Dumper=yaml_text.Dumper,
            sort_keys=False,
            allow_unicode=True,
        )

    def to_json(self) -> dict[str, Any]:
        """Return what run.json keeps of it."""
        kept = {"who", "why", "granted_at", "until", "plan_sha256", "silences"}
        return self.model_dump(mode="json", include=kept, exclude_none=True)


def read_permission(path: Path) -> Permission:
    """Read a permission; raises BadInput."""
    return read_yaml(path, Permission)


def permitted(inputs: Inputs, path: Path | None, now: datetime) -> Permission | None:
    """Return the permission that a run of `inputs` rests on, None when it needs none.

    Raises EnvironmentLacks when production would be loaded without one that holds now and until the run's end;
    BadInput when the file isn't a permission.
    """
    if not inputs.production:
        return None
    name = inputs.environment_name
    if path is None:
        is_production = f"{name} is production" if not inputs.reaches else _reached(inputs)
        raise EnvironmentLacks(
            f"{is_production}: it is loaded only with a permission; write one with: peakproof doctor"
            f" --on {name} --plan PLAN --permit FILE --who NAME --why REASON, and give it to run --permit FILE"
        )
    permission = read_permission(path)
    if why := _refusal(permission, inputs, now):
        raise EnvironmentLacks(f"{path}: doesn't permit this run: {why}")
    return permission


def _reached(inputs: Inputs) -> str:
    reached = "; ".join(f"{name}'s: {', '.join(addresses)}" for name, addresses in inputs.reaches.items())
    shared = ", ".join(inputs.reaches)
    return (
        f"{inputs.environment_name} leads to addresses of production ({reached}), and is production unless a front"
        f" tells them apart by their names, which shares_addresses_with: [{shared}] in the targets file says"
    )


def _refusal(permission: Permission, inputs: Inputs, now: datetime) -> str | None:
    if permission.environment != inputs.environment_name:
        return f"it is for the environment {permission.environment}, not {inputs.environment_name}"
    if permission.base_url != inputs.environment.base_url:
        return f"it is for {permission.base_url}, and {permission.environment} is at {inputs.environment.base_url} now"
    hosts = {label: host.url for label, host in inputs.environment.hosts.items()}
    if permission.hosts != hosts:
        return f"it is for {_listed(permission.hosts)}, and {permission.environment} has {_listed(hosts)} now"
    if permission.plan_sha256 != inputs.plan_sha256:
        return "it is for another plan, or for this one before it was changed"
    return _not_now(permission, inputs.plan.duration_s, now)


def _listed(hosts: Mapping[str, str]) -> str:
    return f"the hosts {', '.join(hosts.values())}" if hosts else "no hosts beside base_url"


def _not_now(permission: Permission, duration_s: float, now: datetime) -> str | None:
    begins, ends = permission.granted_at.isoformat("T", "seconds"), permission.until.isoformat("T", "seconds")
    if now < permission.granted_at:
        return f"it begins at {begins}"
    if now >= permission.until:
        return f"it ended at {ends}"
    if now + timedelta(seconds=duration_s) > permission.until:
        return f"it ends at {ends}, and the plan plays for {duration_s:,.0f} s"
    return None
