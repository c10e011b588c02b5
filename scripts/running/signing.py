"""Signing a run or a comparison that is over, whose evidence is whole."""

from pathlib import Path

from loadtests.comparison.evidence import hold_comparison
from loadtests.comparison.job import FILE as COMPARISON
from loadtests.evidence.check import hold
from loadtests.evidence.manifest import SIGNATURE
from loadtests.evidence.signature import sign
from loadtests.results.run_directory import RunDirectory
from scripts.context import Context
from slo.outcomes import EnvironmentLacks
from slo.validity.manifest import shown


def sign_run(path: Path, key: Path, context: Context) -> None:
    """Sign the manifest of the run or comparison at `path`, and say so; of a comparison its runs' manifests count, too.

    Raises EnvironmentLacks where its evidence isn't whole, or ssh-keygen is missing, and BadInput for a key that can't
    sign.
    """
    held = hold_comparison(path) if (path / COMPARISON).is_file() else hold(path)
    if held.manifest is None or not held.is_whole:
        first = held.flaws[0]
        raise EnvironmentLacks(f"{path}: not signed, its evidence isn't whole: {shown(first.path, first.what)}")
    sign(RunDirectory(path=path), held.manifest, key, context.environment)
    context.say(f"signed: {path / SIGNATURE}")
