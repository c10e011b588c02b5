"""Verifying a run: its evidence against the manifest, its records against themselves, and who signed it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.demand.plan import read_plan
from loadtests.evidence.other_documents import other_documents
from loadtests.evidence.signature import Signed, verified
from loadtests.results.recorded_run import objective_answers, read_audit, read_run
from loadtests.results.request_records import read_record_facts
from loadtests.results.run_directory import RunDirectory
from scripts.running.evidence import HeldEvidence, Trust, hold_evidence, pairs
from slo.documents import BadInput
from slo.formatting import count
from slo.validity.consistency import CHANGE, check_audit, check_consistency
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
    held = evidence.held
    flaws = pairs((*held.flaws, *evidence.signature, *held.outputs))
    contradictions: tuple[str, ...] = ()
    try:
        contradictions = _contradictions(RunDirectory(path=path), evidence)
    except BadInput as error:
        why = str(error).replace(f"{path}/", "")
        contradictions = () if flaws else (why,)
    signed = None
    if signers is not None and held.manifest is not None:
        found = verified(path, held.manifest, signers, variables)
        signed = found.by if isinstance(found, Signed) else None
    return Verified(
        run=path.name,
        files=held.files,
        size=held.size,
        steps=() if held.manifest is None else tuple(dict.fromkeys(one.step for one in held.manifest.steps)),
        flaws=tuple(flaws),
        contradictions=contradictions,
        signed_by=signed,
    )


def _contradictions(directory: RunDirectory, evidence: HeldEvidence) -> tuple[str, ...]:
    """Return what contradicts itself, by one reading of all records; raises BadInput."""
    run, plan, answers = read_run(directory), read_plan(directory.plan), objective_answers(directory)
    others = other_documents(directory, plan, run, answers, evidence.held.manifest)
    found = (*check_consistency(run, read_record_facts(directory), others), *check_audit(run, read_audit(directory)))
    return tuple(one.message for one in found)
