"""Judging a comparison's folder: its blocks' records, the statistics, and the verdict's documents and page."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from dashboards.report.comparison_page import FILE as PAGE
from dashboards.report.comparison_page import comparison_page
from loadtests.comparison.compared import Compared, compared_in
from loadtests.comparison.evidence import hold_comparison, runs_of, void_runs
from loadtests.comparison.job import FILE, ComparisonJob, read_job
from loadtests.comparison.observations import observe
from loadtests.demand.plan import read_plan
from loadtests.evidence.check import Flaw, check_no_links
from loadtests.evidence.manifest import Manifest
from loadtests.evidence.replacing import write_outputs
from loadtests.results.recorded_run import read_environment
from loadtests.results.run_directory import RunDirectory, json_bytes
from loadtests.runtime.clock import Clock
from scripts.comparing.causes import causes_of
from scripts.comparing.job_folder import OBJECTIVES, policy_of
from scripts.context import Context
from scripts.running.evidence import VERIFIED, HeldEvidence, Trust, contradictions_in, hold_evidence, hold_run_of
from scripts.running.judging import invalid_because
from slo.documents import BadInput
from slo.findings import Finding
from slo.objectives.reading import read_objectives
from slo.outcomes import EnvironmentLacks, ExitCode, Outcome
from slo.regression.comparison import Comparison, compare
from slo.regression.days_document import HOW as HOW_DAYS
from slo.regression.settings import ComparisonSettings
from slo.regression.verdict_document import FILE as VERDICT
from slo.regression.verdict_document import Compared as About
from slo.regression.verdict_document import ComparisonVerdict, ReleaseEntry, verdict_of
from slo.rendering.comparison_junit import render_comparison_junit
from slo.rendering.comparison_markdown import render_comparison_markdown
from slo.rendering.comparison_terminal import render_comparison
from slo.validity.checks import BESIDE_A_MISS
from slo.validity.consistency import AUDIT_OF_THE_RUN, CONSISTENCY
from slo.validity.manifest import MANIFEST, shown
from slo.validity.outside import Reason, causes_outside

_AGAIN = "compare again by peakproof compare --run {run} --baseline-days {baseline}"
_ONE_RUN = ("variants", "releases")  # one run holds every block; elsewhere each block says whether its run is valid
_HELD = frozenset({MANIFEST, CONSISTENCY, AUDIT_OF_THE_RUN})
"""What is said of each run that holds a block, by its name."""
_ENDINGS = {
    None: "the comparison was killed, or goes on",
    "stopped": "the comparison was stopped",
    "failed": "the comparison failed",
}


def look_in(runs: Path, settings: ComparisonSettings) -> Callable[[ComparisonJob], Comparison]:
    """Return what judges a job in the folder `runs` at a look, from those of its runs that are over."""

    def judge(job: ComparisonJob) -> Comparison:
        compared = _compared(job, runs / job.name, settings)
        return compare(observe(job, runs, compared), job.design.design(), settings)

    return judge


def judge_comparison(folder: Path, trust: Trust = VERIFIED) -> ComparisonVerdict:
    """Judge the comparison in `folder`, from its runs' complete records; writes its verdict's documents and page.

    Its folder and each run are held against their manifests; of what is taken unverified none is, and there is no PASS.
    Raises BadInput when a file that it rests on is missing or malformed, or leads elsewhere, EnvironmentLacks when no
    block was played.
    """
    if not (folder / FILE).exists():
        raise BadInput(f"{folder}: holds no {FILE}: it is no comparison")
    check_no_links(folder)
    evidence = hold_evidence(folder, trust)
    held = hold_comparison(folder)
    altered = () if trust.unverified else tuple(_shown((*held.flaws, *evidence.signature)))
    try:
        job = read_job(folder)
        altered += () if trust.unverified else tuple(_altered(folder.parent, job, evidence))
        _check_runs(folder.parent, job)
        verdict = _judged(folder, job, trust, altered)
    except BadInput as error:
        if not altered:
            raise
        raise EnvironmentLacks(f"{folder}: not judged, its evidence isn't whole: {altered[0]}: {error}") from error
    write_verdict(folder, verdict, held.manifest)
    return verdict


def _judged(folder: Path, job: ComparisonJob, trust: Trust, altered: tuple[str, ...]) -> ComparisonVerdict:
    settings = policy_of(folder).comparison
    if job.how == HOW_DAYS:
        raise BadInput(f"{folder}: its days are in the store: {_AGAIN.format(run=job.b.label, baseline=job.a.label)}")
    if not job.blocks:
        why = job.because or _ENDINGS.get(job.ended, "no block was played to its end")
        raise EnvironmentLacks(f"{folder}: nothing to judge: {why}")
    compared = _compared(job, folder, settings)
    measured = observe(job, folder.parent, compared)
    design = job.design.design()
    comparison = compare(measured, design, settings)
    runs = runs_of(job)
    causes, why_none = causes_of(job, folder.parent, comparison)
    invalid = _invalid(job, folder, comparison, trust) if job.how in _ONE_RUN else ()
    about = About(
        name=job.name,
        environment=job.environment,
        how=job.how,
        a=ReleaseEntry(label=job.a.label, release=job.a.release),
        b=ReleaseEntry(label=job.b.label, release=job.b.release),
        design=design,
        runs=runs,
        notes=(*job.notes, *why_none),
        not_compared={one.name: one.because for one in compared.left_out},
        invalid_because=tuple(dict.fromkeys((*altered, *(one.message for one in invalid if one.subject not in _HELD)))),
        outside=_outside(job, invalid),
        unfinished_because=_unfinished(job),
        decided_at=Clock.start().now(),
        causes=causes,
    )
    verdict = verdict_of(comparison, measured, about)
    if altered:
        verdict = verdict.model_copy(update={"untrusted": altered[0]})
    return _unverified(verdict) if trust.unverified else verdict


def _check_runs(runs: Path, job: ComparisonJob) -> None:
    """Raise BadInput for a run of which nothing may be read, as a file of it leads elsewhere."""
    for path in (runs / name for name in runs_of(job)):
        if path.is_dir():
            check_no_links(path)


def _shown(flaws: Sequence[Flaw]) -> Iterator[str]:
    """Return what is wrong with the comparison's own folder."""
    yield from (shown(flaw.path, flaw.what) for flaw in flaws)


def _altered(runs: Path, job: ComparisonJob, comparison: HeldEvidence) -> Iterator[str]:
    """Return what is wrong with the evidence of the runs that hold the blocks, and what contradicts itself in it."""
    void = void_runs(job)
    for name in runs_of(job):
        evidence = hold_run_of(comparison, runs / name)
        messages = [finding.message for finding in evidence.manifest.findings]
        if not messages and name not in void:
            messages = list(_contradictions(evidence, runs / name, valid=job.how not in _ONE_RUN))
        yield from (f"{name}: {message}" for message in messages)


def _contradictions(evidence: HeldEvidence, run: Path, *, valid: bool) -> tuple[str, ...]:
    """Return what contradicts itself in a run; of one that was `valid` when its block was played, that it isn't now."""
    try:
        return tuple(one.message for one in invalid_because(run)) if valid else contradictions_in(evidence, run)
    except BadInput as error:
        return (str(error).replace(f"{run}/", ""),)


def _unverified(verdict: ComparisonVerdict) -> ComparisonVerdict:
    """Return a verdict as one of evidence of which nothing shows that it is whole: no PASS."""
    told = f"unverified: nothing shows that the runs' evidence is whole; by what is there it would be {verdict.outcome}"
    if verdict.verdict is not Outcome.PASS:
        return verdict.model_copy(update={"untrusted": told})
    changed = {"outcome": Outcome.INCONCLUSIVE.value, "because": f"{told}: {verdict.because}", "untrusted": told}
    return verdict.model_copy(update=changed)


def judge_and_tell(folder: Path, context: Context, trust: Trust = VERIFIED) -> ExitCode:
    """Judge and print the verdict; the last two lines are for a pipeline: `comparison=`, the outcome with the page."""
    verdict = judge_comparison(folder, trust)
    if trust.unverified and verdict.untrusted is not None:
        context.say(verdict.untrusted)
    context.say(render_comparison(verdict, colour=context.is_terminal).rstrip("\n"))
    return tell_end(folder, verdict, context)


def tell_end(folder: Path, verdict: ComparisonVerdict, context: Context) -> ExitCode:
    """Print the last two lines, for a pipeline; return the exit code that the folder's policy makes of the verdict."""
    policy = policy_of(folder)
    advisory = policy.is_advisory and verdict.untrusted is None
    if advisory:
        context.say("  advisory: the policy's mode lets the exit code be 0 whatever the outcome")
    context.say(f"comparison={folder}")
    context.say(f"{verdict.outcome}  {folder / PAGE}" + "  (advisory: exit 0)" * advisory)
    return policy.exit_code(verdict.verdict) if verdict.untrusted is None else verdict.verdict.exit_code


def _compared(job: ComparisonJob, folder: Path, settings: ComparisonSettings) -> Compared:
    objectives = read_objectives(sorted((folder / OBJECTIVES).glob("*.yaml")))
    run = RunDirectory(path=folder.parent / job.blocks[0].run)
    environment = read_environment(run) if job.how == "variants" else None
    return compared_in(read_plan(run.plan), objectives, settings, environment)


def _invalid(job: ComparisonJob, folder: Path, comparison: Comparison, trust: Trust) -> tuple[Finding, ...]:
    """Return why the run with all blocks isn't worth judging; that it was ended by a look is no reason.

    A FAIL was shown by whole blocks, so that the run was stopped after them takes nothing from it.
    """
    passed_over = {"ended"} if job.ended == "decided" else set()
    if comparison.outcome is Outcome.FAIL:
        passed_over |= BESIDE_A_MISS | ({"ended"} if job.ended == "stopped" else set())
    found = invalid_because(folder.parent / job.blocks[0].run, Trust(unverified=trust.unverified))
    return tuple(one for one in found if one.subject not in passed_over)


def _outside(job: ComparisonJob, invalid: Sequence[Finding]) -> tuple[str, ...]:
    """Return the causes outside the shop, where these alone keep the job open: of its run, or of its void blocks."""
    if job.how in _ONE_RUN:
        return causes_outside([Reason(check=one.subject, known=one.known) for one in invalid])
    void = [block for block in job.blocks if block.invalid_because is not None]
    pairs, looks = {block.pair for block in void}, job.design.looks
    ended = job.ended == "played_out" or (job.ended == "failed" and looks[-1] - len(pairs) < looks[0])
    if not ended or not all(block.outside for block in void):
        return ()
    return tuple(sorted({cause for block in void for cause in block.outside}))


def _unfinished(job: ComparisonJob) -> str | None:
    if job.ended in {"decided", "played_out"}:
        return None
    return _ENDINGS.get(job.ended, "the comparison ended early") + (f": {job.because}" if job.because else "")


def write_verdict(folder: Path, verdict: ComparisonVerdict, manifest: Manifest | None) -> None:
    """Write the verdict's documents and its page into a comparison's folder, and list them in its manifest.

    `manifest` is the one that was judged; without one nothing is listed.
    """
    files = {
        folder / "junit.xml": render_comparison_junit(verdict).encode(),
        folder / "summary.md": render_comparison_markdown(verdict).encode(),
        folder / PAGE: comparison_page(verdict).encode("utf-8", "replace"),
        folder / VERDICT: json_bytes(verdict.model_dump(mode="json")),
    }
    write_outputs(RunDirectory(path=folder), "judge", manifest, files)
