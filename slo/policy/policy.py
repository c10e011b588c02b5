"""A policy file, format peakproof/policy/v1: what a team decides beside its objectives."""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, Field

from slo import yaml_text
from slo.documents import BadInput, Document, read_yaml
from slo.outcomes import ExitCode, Outcome
from slo.policy.budget import BudgetPolicy
from slo.policy.criteria import MAX_CRITERIA, Criterion, named_once
from slo.policy.waivers import LONGEST, Waiver, WaiverFile
from slo.regression.settings import ComparisonSettings


class Policy(Document):
    """The decisions of one file; what isn't given has the default that blocks.

    In `advisory` mode each verdict is made and printed as ever, and the exit code is 0, which every output says.
    `on_inconclusive` is what CI makes of a verdict that isn't shown: `block` for a release, `warn` for a pull request.
    `waivers_file` is a file of more waivers, its path relative to this one's.
    """

    format: Literal["peakproof/policy/v1"]
    mode: Literal["enforce", "advisory"] = "enforce"
    on_inconclusive: Literal["block", "warn"] = "block"
    comparison: ComparisonSettings = Field(default_factory=ComparisonSettings)
    criteria: Annotated[tuple[Criterion, ...], Field(max_length=MAX_CRITERIA), AfterValidator(named_once)] = ()
    waivers: Annotated[tuple[Waiver, ...], Field(max_length=200)] = ()
    waivers_file: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    budget: BudgetPolicy | None = None

    @property
    def is_advisory(self) -> bool:
        """Whether a verdict only informs."""
        return self.mode == "advisory"

    @property
    def asks_budgets(self) -> bool:
        """Whether the gate asks a Prometheus for what is left of the error budgets."""
        return self.budget is not None and self.budget.prometheus is not None

    def exit_code(self, outcome: Outcome) -> ExitCode:
        """Return the exit code of an outcome under this policy: 0 for any where it is advisory."""
        return ExitCode.OK if self.is_advisory else outcome.exit_code

    def to_yaml(self) -> str:
        """Return the document with the waivers of its file in it, the same text for the same policy."""
        data = self.model_dump(mode="json", exclude_none=True)
        return yaml.dump(data, Dumper=yaml_text.Dumper, sort_keys=False, allow_unicode=True)


def read_policy(path: Path) -> Policy:
    """Read the policy file at `path`, and the waivers of the file that it names; raises BadInput with every error."""
    policy = read_yaml(path, Policy)
    if policy.waivers_file is None:
        return policy
    more = read_yaml(path.parent / policy.waivers_file, WaiverFile).waivers
    return policy.model_copy(update={"waivers": (*policy.waivers, *more), "waivers_file": None})


def check_today(policy: Policy, path: Path, today: date) -> list[str]:
    """Return a line for each waiver that has expired; raises BadInput for one of more than a year from today."""
    for one in policy.waivers:
        if one.expires > today + LONGEST:
            raise BadInput(
                f"{path}: the waiver of {one.waives}: expires: {one.expires.isoformat()} is more than a year ahead; a"
                " waiver is for a year at most"
            )
    return [
        f"the waiver of {one.waives} by {one.owner} expired on {one.expires.isoformat()}: it waives nothing"
        for one in policy.waivers
        if one.expires < today
    ]
