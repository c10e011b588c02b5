"""What a comparison is asked for on the command line, apart from how its releases are put up."""

from dataclasses import dataclass
from pathlib import Path

from loadtests.run_store.aggregates import ReleaseIdentity
from scripts.local_stack.ports import Ports
from slo.regression.design import Design

MAX_MINUTES = 60.0
SWITCH_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The inputs, and how each block is run; with `same` both sides may be one release, `max_minutes` bounds all.

    `design` is played as it is; without one it is chosen by what the blocks and the switches take.
    """

    plan: Path
    objectives: tuple[Path, ...]
    targets: Path
    on: str
    ports: Ports
    workers: int = 1
    permit: Path | None = None
    lease_folder: Path | None = None
    max_minutes: float = MAX_MINUTES
    same: bool = False
    design: Design | None = None
    policy: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """The command that puts a release up, what it is known to take, and how long it may take at most.

    `baseline` is the release that it puts up as A, where a store's baseline says so; else A is what is up.
    """

    text: str
    baseline: ReleaseIdentity | None = None
    takes_s: float | None = None
    timeout_s: float = SWITCH_TIMEOUT_S
