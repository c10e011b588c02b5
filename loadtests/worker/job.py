"""The job of a run: what its workers read from the run directory, job.json among it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Self

import pydantic

from loadtests.client.access import Access
from loadtests.client.factory import access_to
from loadtests.comparison.turns import Turns
from loadtests.demand.arrivals import schedule
from loadtests.demand.plan import Plan, read_plan
from loadtests.environment.ceilings import most_of, split, split_hosts
from loadtests.environment.credentials import settings_of
from loadtests.environment.data_files import FileFacts, Table, facts_of, read_data
from loadtests.environment.destinations import Destinations, resolve
from loadtests.environment.resolved_environment import ResolvedEnvironment, recorded_environment
from loadtests.environment.tagging import shopper_headers
from loadtests.environment.targets import Ceiling, Environment, Targets
from loadtests.live.board import Timetable
from loadtests.results.run_directory import RunDirectory, write_json
from loadtests.shopper.data_pools import DataPools
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
    stops_early: bool = True
    data_files: Mapping[str, "DataFile"] = field(default_factory=dict)
    tables: Mapping[str, Table] | None = field(default=None, repr=False)
    turns: Turns | None = None

    def with_data(self) -> Self:
        """Return it with the files of accounts and test data read.

        Raises BadInput for one that isn't at its path, or isn't the one that the run was started with.
        """
        if self.tables is not None:
            return self
        tables = read_data(self.environment)
        facts = facts_of(tables)
        for name, file in self.data_files.items():
            if facts[name].proof(self.directory.name) != file.proof:
                path = self.environment.data_files()[name]
                found = f"rows here: {facts[name].rows:,}, there: {file.rows:,}"
                raise BadInput(f"{path}: isn't the file that the run was started with: copy it from there ({found})")
        return replace(self, tables=tables)

    def pools(self, index: int, workers: int, now: Callable[[], int]) -> DataPools | None:
        """Return what worker `index` of `workers` gives its sessions, None where no accounts or data are declared.

        Raises BadInput as `with_data` does.
        """
        environment = self.environment
        if environment.accounts is None and not environment.data:
            return None
        tables = self.with_data().tables or {}
        customers = self.storefront.customers
        return DataPools(environment, tables, self.directory.name, (index, workers), now, customers)

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

    @property
    def host_ceilings(self) -> Mapping[str, float]:
        """The most requests a second that all workers together may send to each declared host with its own ceiling."""
        hosts = self.environment.hosts
        return split_hosts(hosts)[0] if self.browser else most_of(hosts)

    def accesses(self, variant: str | None = None) -> Mapping[str | None, Access]:
        """Return how each host is reached, `base_url`'s under None; with `variant` as that release is reached.

        Raises BadInput on a secret that is missing or a file that can't be used.
        """
        tags = shopper_headers(self.directory.name, self.version, self.environment.tag)
        resolved = self.resolved()
        return access_to(resolved if variant is None else resolved.variant(variant, with_cookie=False), tags)

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


class DataFile(pydantic.BaseModel):
    """A file of accounts or test data as the command found it: its rows, and what shows that another is the same."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    rows: int
    proof: str


class _JobFile(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    format: Literal["peakproof/job/v1"]
    recorder_url: str | None
    version: str
    destinations: Destinations
    browser: bool
    production: bool
    stops_early: bool = True
    data_files: dict[str, DataFile] = {}
    turns: Turns | None = None


def write_job(  # noqa: PLR0913 - each is one thing that a worker needs
    directory: RunDirectory,
    recorder_url: str | None,
    version: str,
    destinations: Destinations | None = None,
    *,
    data: Mapping[str, FileFacts] | None = None,
    production: bool = False,
    browser: bool = False,
    turns: Turns | None = None,
    stops_early: bool = True,
) -> None:
    """Write job.json: what workers need beside the copies of the inputs.

    Without `stops_early` the run is played on when an objective is certain to be missed: what it is compared by isn't
    known yet.

    Without `destinations` the environment's hosts are resolved now, once for all workers, and without `data` its files
    are read; raises BadInput.
    """
    found = destinations or resolve(_environment_of(directory))
    facts = facts_of(read_data(_environment_of(directory))) if data is None else data
    files = {name: {"rows": one.rows, "proof": one.proof(directory.name)} for name, one in facts.items()}
    made = {"format": "peakproof/job/v1", "recorder_url": recorder_url, "version": version}
    known = {"destinations": found.to_json(), "production": production, "browser": browser}
    known |= {} if stops_early else {"stops_early": False}
    if turns is not None:
        known["turns"] = turns.model_dump(mode="json")
    write_json(directory.job, {**made, **known, "data_files": files})


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
        stops_early=job.stops_early,
        variables=variables or {},
        data_files=job.data_files,
        turns=job.turns,
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
