"""A run's evidence held against its manifest and against itself, for the commands that judge or verify it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from loadtests.comparison.evidence import since_comparison
from loadtests.demand.plan import read_plan
from loadtests.evidence.check import Flaw, Held, hold
from loadtests.evidence.manifest import NO_PLAIN_FILE
from loadtests.evidence.other_documents import other_documents
from loadtests.evidence.outputs import why_another
from loadtests.evidence.signature import signature_flaws
from loadtests.results.recorded_run import RecordedRun, objective_answers, read_audit, read_run
from loadtests.results.request_records import read_record_facts
from loadtests.results.run_directory import RunDirectory
from slo.documents import BadInput
from slo.findings import Finding, Severity
from slo.validity.checks import Checked
from slo.validity.consistency import AUDIT_OF_THE_RUN, check_audit, check_consistency
from slo.validity.load import account_total
from slo.validity.manifest import manifest_check, shown
from slo.validity.run_document import AccountFacts
from slo.validity.workers import recorded

_NAMED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What evidence must show: that it is whole, unless it is taken `unverified`, and who signed it, with `signers`.

    `variables` are those of the environment, by which ssh-keygen is found.
    """

    unverified: bool = False
    signers: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


VERIFIED = Trust()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldEvidence:
    """A run directory held against its manifest and, where that is wanted, against its signature."""

    trust: Trust
    held: Held
    signature: tuple[Flaw, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.held.is_whole and not self.signature

    def check_readable(self) -> None:
        """Raise BadInput where nothing of the directory may be read, as a file of it leads elsewhere."""
        if self.held.links:
            raise BadInput(f"{self.held.links[0]}: {NO_PLAIN_FILE}; nothing of the run was read")

    @property
    def manifest(self) -> Checked:
        """The check of the directory against its manifest, the signature's with it."""
        return manifest_check(pairs((*self.held.flaws, *self.signature)))

    def audit_check(self, recorded: RecordedRun) -> Checked:
        """Return the check whether the audit is that of the run as it ended."""
        return Checked(name=AUDIT_OF_THE_RUN, findings=self._known(check_audit(recorded.run, recorded.audit)))

    def contradictions(self, recorded: RecordedRun) -> tuple[Finding, ...]:
        """Return what contradicts itself in the run's records and documents; raises BadInput."""
        others = other_documents(recorded.directory, recorded.plan, recorded.run, recorded.answers, self.held.manifest)
        return self._known(check_consistency(recorded.run, recorded.facts, others))

    def _known(self, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """Return findings, of a run that is taken unverified without what older versions didn't record."""
        return tuple(one for one in findings if one.known or not self.trust.unverified)


def hold_evidence(path: Path, trust: Trust = VERIFIED) -> HeldEvidence:
    """Hold a run directory against its manifest; raises EnvironmentLacks without what a signature is verified by."""
    held = hold(path)
    if trust.signers is None or held.manifest is None:
        return HeldEvidence(trust=trust, held=held)
    flaws = signature_flaws(path, held.manifest, trust.signers, trust.variables)
    return HeldEvidence(trust=trust, held=held, signature=flaws)


def hold_run_of(comparison: HeldEvidence, run: Path) -> HeldEvidence:
    """Hold a comparison's run; with signers, evidence that came after the comparison needs a signature of the run's.

    That of the comparison is over the run's manifest as it was then. Raises as `hold_evidence` does.
    """
    evidence, trust = hold_evidence(run), comparison.trust
    signed, manifest = comparison.held.manifest, evidence.held.manifest
    if trust.signers is None or signed is None or manifest is None:
        return evidence
    since = since_comparison(signed, run.name, manifest)
    if not since or not signature_flaws(run, manifest, trust.signers, trust.variables):
        return evidence
    return replace(evidence, signature=since)


def contradictions_in(evidence: HeldEvidence, path: Path, *, counts: bool = False) -> tuple[str, ...]:
    """Return what contradicts itself in the run at `path`, by one reading of all its records; raises BadInput.

    With `counts` also what was counted and isn't recorded, which an honest run may lack that isn't valid.
    """
    evidence.check_readable()
    directory = RunDirectory(path=path)
    run, plan, answers = read_run(directory), read_plan(directory.plan), objective_answers(directory)
    others = other_documents(directory, plan, run, answers, evidence.held.manifest)
    facts = read_record_facts(directory)
    found = [*check_consistency(run, facts, others), *check_audit(run, read_audit(directory))]
    if counts:
        found += (*account_total(run.account or AccountFacts()), *recorded(run, facts.requests, facts.sessions))
    return tuple(one.message for one in found if one.severity is not Severity.NOTE)


def page_flaws(path: Path) -> list[tuple[str, str]]:
    """Return what is wrong with a run's evidence and with its verdict, for who shows or keeps that: with any, none.

    Of whole evidence also that the verdict is older than a part of it.
    """
    held, verdict = hold(path), RunDirectory(path=path).verdict
    flaws = (*held.flaws, *(one for one in held.outputs if one.path == verdict.name))
    if flaws or not verdict.is_file():
        return pairs(flaws)
    why = why_another(path, verdict.name)
    return [] if why is None else [(verdict.name, why)]


def flaw_lines(run: str, what: str, files: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Return what to tell a person of a run's files, each with what is wrong with it: the first few."""
    for file, why in files[:_NAMED]:
        yield f"{run} {what}: {shown(file, why)}"
    if len(files) > _NAMED:
        yield f"and {len(files) - _NAMED} more files: peakproof verify {run}"


def pairs(flaws: Sequence[Flaw]) -> list[tuple[str, str]]:
    """Return flaws as pairs: the file, and what is wrong with it."""
    return [(flaw.path, flaw.what) for flaw in flaws]
