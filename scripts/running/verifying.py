"""Verifying a run: its evidence against the manifest, its records against themselves, and who signed it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.comparison.evidence import hold_comparison, runs_of, void_runs
from loadtests.comparison.job import read_job
from loadtests.evidence.signature import Signed, verified
from scripts.running.evidence import HeldEvidence, Trust, contradictions_in, hold_evidence, hold_run_of, pairs
from slo.documents import BadInput
from slo.formatting import count
from slo.validity.consistency import CHANGE
from slo.validity.manifest import next_step, shown

_MB = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was found: what is wrong with which file, what contradicts itself, and who signed, None where not asked."""

    run: str
    files: int
    size: int
    steps: tuple[str, ...]
    flaws: tuple[tuple[str, str], ...]
    contradictions: tuple[str, ...]
    signed_by: str | None

    @property
    def is_whole(self) -> bool:
        """Whether nothing was found."""
        return not (self.flaws or self.contradictions)

    def lines(self) -> Iterator[str]:
        """Return what to tell a person."""
        for file, what in self.flaws:
            yield f"not whole: {shown(file, what)}"
        for message in self.contradictions:
            yield f"contradiction: {message}"
        kept = f"{count(self.files)} files of evidence, {self.size / _MB:,.1f} MB"
        if self.is_whole:
            yield f"whole: {kept}, as the steps {', '.join(self.steps)} left them"
        else:
            as_left = (
                f"{kept}, are as they were left" if self.steps else "nothing shows which files are as they were left"
            )
            yield f"{self.run}: not whole: {as_left}; no verdict can rest on this run"
            yield f"next: {next_step(*self.flaws[0]) if self.flaws else CHANGE}"
        if self.signed_by is not None:
            yield f"signed by {self.signed_by}"

    def to_json(self) -> dict[str, Any]:
        """Return what to tell a program."""
        return {
            "run": self.run,
            "whole": self.is_whole,
            "files": self.files,
            "bytes": self.size,
            "steps": list(self.steps),
            "flaws": [{"file": file, "what": shown(file, what)} for file, what in self.flaws],
            "contradictions": list(self.contradictions),
            "signed_by": self.signed_by,
        }


def verify(path: Path, signers: Path | None, variables: Mapping[str, str]) -> Verified:
    """Verify the run directory at `path`; `variables` are those of the environment.

    Raises BadInput for a file of signers that isn't there, EnvironmentLacks where ssh-keygen is missing for it.
    """
    evidence = hold_evidence(path, Trust(signers=signers, variables=variables))
    flaws = pairs((*evidence.held.flaws, *evidence.signature, *evidence.held.outputs))
    return _verified(path, evidence, flaws, _contradictions(path, evidence, flaws))


def verify_comparison(folder: Path, signers: Path | None, variables: Mapping[str, str]) -> Verified:
    """Verify the comparison in `folder`, and each run that holds its blocks; as `verify` otherwise."""
    evidence = hold_evidence(folder, Trust(signers=signers, variables=variables))
    held = hold_comparison(folder)
    flaws = pairs((*held.flaws, *evidence.signature, *held.outputs))
    contradictions: list[str] = []
    for name, counts in () if evidence.held.links else _runs_of(folder):
        run = hold_run_of(evidence, folder.parent / name)
        found = pairs((*run.held.flaws, *run.signature))
        flaws += [(f"{name}/{file}", what) for file, what in found]
        told = _contradictions(folder.parent / name, run, found) if counts else ()
        contradictions += [f"{name}: {one}" for one in told]
    return _verified(folder, evidence, flaws, contradictions)


def _runs_of(folder: Path) -> list[tuple[str, bool]]:
    """Return the runs of a comparison, each with whether its blocks count.

    None where its document can't be read: that it isn't as it was is known.
    """
    try:
        job = read_job(folder)
    except BadInput:
        return []
    return [(name, name not in void_runs(job)) for name in runs_of(job)]


def _contradictions(path: Path, evidence: HeldEvidence, flaws: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Return what contradicts itself, and what of whole evidence can't be read."""
    try:
        return contradictions_in(evidence, path, counts=True)
    except BadInput as error:
        return () if flaws else (str(error).replace(f"{path}/", ""),)


def _verified(
    path: Path, evidence: HeldEvidence, flaws: Sequence[tuple[str, str]], contradictions: Sequence[str]
) -> Verified:
    held, trust, signed = evidence.held, evidence.trust, None
    if trust.signers is not None and held.manifest is not None:
        found = verified(path, held.manifest, trust.signers, trust.variables)
        signed = found.by if isinstance(found, Signed) else None
    return Verified(
        run=path.name,
        files=held.files,
        size=held.size,
        steps=() if held.manifest is None else tuple(dict.fromkeys(one.step for one in held.manifest.steps)),
        flaws=tuple(flaws),
        contradictions=tuple(contradictions),
        signed_by=signed,
    )
