"""What a verdict is about: a release on an environment, which is known by its fingerprint."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slo.formatting import clean, clip
from slo.validity.run_document import EnvironmentFacts, RunDocument
from slo.verdict.fingerprint import Fingerprint, described

_LONGEST = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """The release and the environment of a run, and production's fingerprint where the targets file gives it."""

    release: str | None
    environment: str | None
    fingerprint: Fingerprint
    production_fingerprint: Fingerprint

    @property
    def line(self) -> str:
        """Return all of it in one line; what isn't known or declared is said."""
        release = "unknown" if self.release is None else clip(clean(self.release), _LONGEST)
        facts = described(self.fingerprint, self.production_fingerprint) or "fingerprint not declared"
        return f"release {release} on {self.where} ({facts})"

    @property
    def where(self) -> str:
        """Return the environment's name."""
        return "an unknown environment" if self.environment is None else clip(clean(self.environment), _LONGEST)


def about(run: RunDocument) -> About:
    """Return what a run was about, by its run.json."""
    environment = run.environment or EnvironmentFacts()
    return About(
        release=run.release_tested,
        environment=environment.name,
        fingerprint=_facts(environment.fingerprint),
        production_fingerprint=_facts(environment.production_fingerprint),
    )


def _facts(given: Mapping[str, Any] | None) -> Fingerprint:
    """Return facts of which each is a text, a number, or true or false; anything else is shown as it is written."""
    return {name: value if _is_fact(value) else str(value) for name, value in (given or {}).items()}


def _is_fact(value: object) -> bool:
    return math.isfinite(value) if isinstance(value, float) else isinstance(value, str | int)
