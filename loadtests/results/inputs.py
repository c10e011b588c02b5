"""The inputs of a run: read, valid, and copied into its directory."""

import hashlib
import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from loadtests.demand.plan import Plan
from loadtests.environment.bundle import files_of
from loadtests.environment.data_files import FileFacts
from loadtests.environment.own_module import MAX_BYTES
from loadtests.environment.targets import Environment, redacted
from loadtests.results import run_directory
from loadtests.results.run_directory import RunDirectory, write_bytes, write_json
from slo.documents import read_text
from slo.objectives.objective import Objective
from slo.outcomes import EnvironmentLacks
from slo.policy.policy import Policy

RECORDS = ("orders", "payments", "stock")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsFile:
    """A user's file of shop records as it was read, and which of orders, payments, stock and funnel it has."""

    path: Path
    text: str = field(repr=False)
    declares: frozenset[str] = frozenset()

    @classmethod
    def read(cls, path: Path, declares: frozenset[str] = frozenset()) -> Self:
        """Read a file, which has what it `declares`; raises BadInput."""
        return cls(path=path, text=read_text(path, MAX_BYTES), declares=declares)

    @property
    def sha256(self) -> str:
        """Its hash."""
        return sha256(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The inputs of a run, read and valid.

    `productions` are the other environments with `production: true`; `reaches` are those of them whose addresses this
    one leads to without naming them in `shares_addresses_with`; `records` is the file of shop records, once it was run.
    `data` is what is known of the files of accounts and test data, by pool: they aren't copied. `not_played` are the
    storefront's journeys that the plan leaves out, None when that isn't known; `policy` is the gate's, if it has one.
    """

    plan: Plan
    plan_text: str
    objectives: tuple[Objective, ...]
    objective_files: tuple[Path, ...]
    environment_name: str
    environment: Environment
    production: bool = False
    productions: Mapping[str, Environment] = field(default_factory=dict)
    reaches: Mapping[str, Sequence[str]] = field(default_factory=dict)
    records: RecordsFile | None = None
    not_played: tuple[str, ...] | None = None
    data: Mapping[str, FileFacts] = field(default_factory=dict)
    policy: Policy | None = None

    @property
    def plan_sha256(self) -> str:
        """The hash of the plan as it was given."""
        return sha256(self.plan_text)

    @property
    def declared(self) -> frozenset[str]:
        """What the environment declares of `orders`, `payments`, `stock`, `release`, `traces`, `test data`."""
        return declared_by(self.environment, None if self.records is None else self.records.declares)


def sha256(text: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def declared_by(environment: Environment, by_file: Collection[str] | None = None) -> frozenset[str]:
    """Return what an environment declares of `orders`, `payments`, `stock`, `release`, `traces`, `test data`.

    `by_file` is what its file of shop records has; where that isn't known, it counts as all of them.
    """
    offers = {
        **dict(environment.records_declared),
        "release": environment.release_probe,
        "traces": environment.traces or None,
        "test data": environment.data_files() or None,
    }
    own: Collection[str] = ()
    if environment.records_file is not None:
        own = RECORDS if by_file is None else by_file
    names = (*RECORDS, "release", "traces", "test data")
    return frozenset(name for name in names if offers.get(name) is not None or name in own)


def prepare(inputs: Inputs, runs: Path) -> RunDirectory:
    """Make the run directory with copies of everything given; raises EnvironmentLacks when it can't be written."""
    try:
        directory = run_directory.create(runs, inputs.plan.name, datetime.now(UTC))
        write_bytes(directory.plan, inputs.plan_text.encode())
        keep_objectives(inputs.objective_files, directory.objectives)
        write_json(directory.targets, redacted(inputs.environment_name, inputs.environment))
        if inputs.policy is not None:
            write_bytes(directory.policy, inputs.policy.to_yaml().encode())
        keep_storefront(inputs.environment, directory.storefront)
        if inputs.records is not None:
            directory.shop_records.mkdir()
            write_bytes(directory.shop_records / inputs.records.path.name, inputs.records.text.encode())
    except OSError as error:
        raise EnvironmentLacks(f"{runs}: can't be written: {error.strerror}") from error
    return directory


def keep_storefront(environment: Environment, folder: Path) -> None:
    """Copy the files of an environment's storefront, if it is the user's own, below the folder."""
    for name, content in files_of(environment.storefront):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, content)


def keep_objectives(files: Iterable[Path], folder: Path) -> tuple[str, ...]:
    """Copy files of objectives into the folder, each under a name of its own that ends in .yaml; return the names."""
    copied: dict[str, Path] = {}
    for path in files:
        names = itertools.chain([f"{path.stem}.yaml"], (f"{path.stem}-{number}.yaml" for number in itertools.count(2)))
        copied[next(name for name in names if name not in copied)] = path
    for name, path in copied.items():
        write_bytes(folder / name, read_text(path).encode())
    return tuple(copied)


def hash_inputs(directory: RunDirectory) -> dict[str, str]:
    """Return the SHA-256 of each copied input in the run directory, by its path below it."""
    copies = (
        *(directory.plan, directory.targets, directory.policy, *sorted(directory.objectives.glob("*.yaml"))),
        *directory.storefront_files(),
        *sorted(directory.shop_records.glob("*.py")),
    )
    return {
        path.relative_to(directory.path).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in copies
        if path.is_file()
    }
