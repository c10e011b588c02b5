"""The part `probe` of exporters.yaml: which journeys may be probed, and which are on a timer."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from loadtests.environment.target_fields import File, Label
from slo.documents import Document

LEAST_EVERY_S = 60.0
Seconds = Annotated[float, Field(gt=0, le=60)]
Every = Annotated[float, Field(ge=LEAST_EVERY_S, le=86_400)]
StepName = Annotated[str, Field(min_length=1, max_length=120)]


class Module(Document):
    """A journey under a name: how often it may be probed, how long that may take, and what else holds for it.

    A journey that buys is played with `buys: true` alone, in production only with a permission (`permit`) for `plan`.
    `only_on` are the environments that it may be played on, without it all. `limits_s` is how long a request of a step
    may take before it is slow.
    """

    journey: str = Field(min_length=1, max_length=120)
    every_s: Every = LEAST_EVERY_S
    timeout_s: float = Field(default=20.0, ge=3, le=55)
    only_on: tuple[Label, ...] | None = None
    buys: bool = False
    plan: File | None = None
    permit: File | None = None
    limits_s: Mapping[StepName, Seconds] = Field(default_factory=dict, max_length=30)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.permit is not None and not self.buys:
            raise ValueError("permit is for a module with buys: true")
        if self.permit is not None and self.plan is None:
            raise ValueError("permit needs plan: a permission names the plan that it is for")
        return self


class TimedProbe(Document):
    """A probe on a timer; `every_s` is the module's unless it is given."""

    target: Label
    module: Label
    every_s: Every | None = None


class ProbeConfig(Document):
    """What is probed: modules by name, and the probes on a timer.

    `targets` is the targets file, `folder` keeps the ledgers of probes that buy, `lease_folder` is where runs hold
    their environments. No more than `at_once` probes are under way at a time, each a process.
    """

    targets: File = "targets.yaml"
    modules: Mapping[Label, Module] = Field(min_length=1, max_length=50)
    probes: tuple[TimedProbe, ...] = Field(default=(), max_length=50)
    folder: File = "probes"
    lease_folder: File = "leases"
    at_once: int = Field(default=2, ge=1, le=8)

    @model_validator(mode="after")
    def _names_what_there_is(self) -> Self:
        for index, one in enumerate(self.probes):
            if one.module not in self.modules:
                known = ", ".join(self.modules)
                raise ValueError(f"probes[{index}].module: no module {one.module!r}; there are: {known}")
            allowed = self.modules[one.module].only_on
            if allowed is not None and one.target not in allowed:
                raise ValueError(f"probes[{index}]: {one.module} is only_on {', '.join(allowed)}, not {one.target}")
        pairs = [(one.target, one.module) for one in self.probes]
        if twice := next((pair for pair in pairs if pairs.count(pair) > 1), None):
            raise ValueError(f"probes: {twice[0]} with {twice[1]} stands there twice")
        return self

    def every_s(self, target: str, module: str) -> float:
        """Return the least time from one probe to the next."""
        listed = (one.every_s for one in self.probes if (one.target, one.module) == (target, module))
        return next((every for every in listed if every is not None), self.modules[module].every_s)
