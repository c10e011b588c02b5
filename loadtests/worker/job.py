"""The job of a run: what its workers read from the run directory, job.json among it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pydantic

from loadtests.client.access import Access
from loadtests.client.factory import access_to
from loadtests.demand.arrivals import schedule
from loadtests.demand.plan import Plan, read_plan
from loadtests.environment.ceilings import split
from loadtests.environment.credentials import settings_of
from loadtests.environment.destinations import Destinations, resolve
from loadtests.environment.resolved_environment import ResolvedEnvironment, recorded_environment
from loadtests.environment.tagging import shopper_headers
from loadtests.environment.targets import Ceiling, Environment, Targets
from loadtests.live.board import Timetable
from loadtests.results.run_directory import RunDirectory, write_json
from loadtests.storefronts import Given, Storefront, storefront_of
from slo.documents import BadInput, read_json

VARIABLE = "PEAKPROOF_RUN_TOKEN"
# What a run that was started with --begin-on-stdin waits for on its standard input.
BEGIN = "begin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A run as its workers see it, read from the run directory."""

    directory: RunDirectory
    plan: Plan
    environment: Environment
    recorder_url: str | None
    version: str
    destinations: Destinations
    browser: bool
    production: bool
    variables: Mapping[str, str] = field(repr=False)
    storefront: Storefront

    def given(self) -> Given:
        """Return what every shopper is given; raises BadInput on a secret of the storefront's that is missing."""
        own = self.environment.storefront
        settings = {} if isinstance(own, str) else settings_of(own, self.variables, "storefront").values
        return Given(run=self.directory.name, settings=settings)

    @property
    def ceiling(self) -> Ceiling:
        """The most that all workers together may send; a browser beside the load has a share of its own."""
        return split(self.environment.ceiling)[0] if self.browser else self.environment.ceiling

    def resolved(self) -> ResolvedEnvironment:
        """Return the environment as the command resolved it; raises BadInput on a secret that is missing."""
        return recorded_environment(self.environment, self.destinations, self.variables)

    def access(self) -> Access:
        """Return how the shop is reached; raises BadInput on a secret that is missing or a file that can't be used."""
        return access_to(self.resolved(), self.environment.base_url, self._tags())

    def cdn_access(self) -> Access | None:
        """Return how the CDN is reached when the plan wants it, without any secret: it is somebody else's server."""
        if self.plan.assets != "all" or self.environment.cdn_url is None:
            return None
        return access_to(self.resolved(), self.environment.cdn_url, self._tags(), secret=False)

    def _tags(self) -> Mapping[str, str]:
        return shopper_headers(self.directory.name, self.version, self.environment.tag)

    @property
    def most_open(self) -> int:
        """How many sessions may be open at once, over all workers."""
        return min(self.plan.limits.open_sessions, self.ceiling.open_sessions)

    def timetable(self) -> Timetable:
        """Return what is planned when."""
        starts = self.plan.starts_s()
        names = [phase.name for phase in self.plan.phases]
        return Timetable(
            run=self.directory.name,
            phases=tuple(zip(names, starts[1:], strict=True)),
            arrivals_s=schedule(self.plan).at_s,
            rate=self.plan.curve().rate,
        )

    def judged(self, started_at: int) -> tuple[int, int]:
        """Return the start and end of judging in ns, for a run that started at `started_at`."""
        start_s, end_s = self.plan.judged_span()
        return started_at + round(start_s * 1e9), started_at + round(end_s * 1e9)


class _JobFile(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    format: Literal["peakproof/job/v1"]
    recorder_url: str | None
    version: str
    destinations: Destinations
    browser: bool
    production: bool


def write_job(
    directory: RunDirectory,
    recorder_url: str | None,
    version: str,
    destinations: Destinations | None = None,
    *,
    production: bool = False,
    browser: bool = False,
) -> None:
    """Write job.json: what workers need beside the copies of the inputs.

    Without `destinations` the environment's hosts are resolved now, once for all workers; raises BadInput.
    """
    found = destinations or resolve(_environment_of(directory))
    made = {"format": "peakproof/job/v1", "recorder_url": recorder_url, "version": version}
    known = {"destinations": found.to_json(), "production": production, "browser": browser}
    write_json(directory.job, {**made, **known})


def read_job(path: Path, variables: Mapping[str, str] | None = None, storefront: Storefront | None = None) -> Job:
    """Read the run directory at `path`; `variables` hold the secrets that it names. Raises BadInput.

    The storefront is the one that the run directory holds, or names; `storefront` takes its place.
    """
    directory = RunDirectory(path=path)
    job = read_json(directory.job, _JobFile)
    environment = _environment_of(directory)
    return Job(
        directory=directory,
        plan=read_plan(directory.plan),
        environment=environment,
        recorder_url=job.recorder_url,
        version=job.version,
        destinations=job.destinations,
        browser=job.browser,
        production=job.production,
        variables=variables or {},
        storefront=storefront or storefront_of(environment, _copy_of(directory, environment)),
    )


def _copy_of(directory: RunDirectory, environment: Environment) -> Path | None:
    own = environment.storefront
    return None if isinstance(own, str) else directory.storefront / Path(own.file).name


def _environment_of(directory: RunDirectory) -> Environment:
    targets = read_json(directory.targets, Targets)
    if len(targets.environments) != 1:
        raise BadInput(f"{directory.targets}: expected one environment, found {', '.join(targets.environments)}")
    (environment,) = targets.environments.values()
    return environment


def run_token(variables: Mapping[str, str]) -> str:
    """Return the run's token; raises BadInput, which names the variable."""
    token = variables.get(VARIABLE, "")
    if not token:
        raise BadInput(f"{VARIABLE} is not set: a master lets in only workers that know the token of its run")
    return token
