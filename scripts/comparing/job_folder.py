"""The folder of a comparison beside the runs: its document, and copies of the objectives."""

import secrets
from datetime import UTC, datetime
from pathlib import Path

from loadtests.results.inputs import Inputs, keep_objectives
from loadtests.results.run_directory import write_bytes
from slo.outcomes import EnvironmentLacks
from slo.policy.policy import Policy, read_policy

OBJECTIVES = "objectives"
POLICY = "policy.yaml"


def make_folder(runs: Path, plan_name: str, at: datetime) -> Path:
    """Make the folder of a comparison, named as a run is; raises EnvironmentLacks when it can't be written."""
    stamp = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    folder = runs / f"{stamp}-compare-{plan_name}-{secrets.token_hex(2)}"
    try:
        (folder / OBJECTIVES).mkdir(parents=True)
    except OSError as error:
        raise EnvironmentLacks(f"{folder}: can't be written: {error.strerror}") from error
    return folder


def draw_seed() -> str:
    """Return a seed for the order of a job's blocks: one of the job's own, so that no two jobs share an order."""
    return secrets.token_hex(8)


def copy_objectives(inputs: Inputs, folder: Path) -> tuple[str, ...]:
    """Copy the objectives into the folder; return the copies' names."""
    return keep_objectives(inputs.objective_files, folder / OBJECTIVES)


def keep_policy(policy: Path | None, folder: Path) -> None:
    """Copy the policy that the comparison is judged by into its folder, if one was given.

    It is done before anything is played: whatever ends the job, its looks and its verdict go by this copy.
    """
    if policy is not None:
        write_bytes(folder / POLICY, read_policy(policy).to_yaml().encode())


def policy_of(folder: Path) -> Policy:
    """Return the policy that a comparison was started with, the defaults without one; raises BadInput."""
    policy = folder / POLICY
    return read_policy(policy) if policy.exists() else Policy(format="peakproof/policy/v1")
