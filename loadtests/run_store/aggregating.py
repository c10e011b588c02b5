"""Making a run's aggregates from its directory: its documents say what it was, its records how slow each step was."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from loadtests.results.recorded_run import read_object, read_run
from loadtests.results.run_directory import RunDirectory
from loadtests.run_store.aggregates import Aggregates, ObjectiveAggregate, ReleaseIdentity
from loadtests.run_store.latencies import Latencies, read_latencies
from slo.documents import BadInput, validate
from slo.findings import Severity
from slo.outcomes import Outcome
from slo.validity.checks import BESIDE_A_MISS
from slo.validity.run_document import FORMAT as RUN_FORMAT
from slo.validity.run_document import RunDocument
from slo.verdict.about import about
from slo.verdict.verdict_document import FORMAT as VERDICT_FORMAT
from slo.verdict.verdict_document import ObjectiveEntry, VerdictDocument

IMAGE_FACTS = ("image_digest", "image")
"""The facts of an environment's fingerprint that name the tested build, the first that is declared."""


def aggregate(directory: RunDirectory) -> Aggregates:
    """Return the aggregates of a finished run; raises BadInput where it isn't finished, or a file can't be used."""
    run = _run(directory)
    verdict = _verdict(directory)
    window = run.judged_window
    entries = () if verdict is None else verdict.objectives or ()
    latencies = None
    if window is not None:
        latencies = read_latencies(directory, window, [one.steps for one in entries if one.steps])
    declared = about(run)
    return Aggregates(
        run=directory.name,
        peakproof=run.peakproof,
        started_at=run.started_at,
        ended_at=run.ended_at,
        ended=run.ended,
        outcome=None if verdict is None else verdict.outcome,
        headline=None if verdict is None else verdict.headline,
        about=declared.line,
        identity=identity_of(run),
        plan=run.plan.name if run.plan else None,
        plan_sha256=run.plan.sha256 if run.plan else None,
        objectives_sha256=_objectives_sha256(run.inputs or {}),
        environment=declared.environment,
        base_url=run.environment.base_url if run.environment else None,
        fingerprint=dict(declared.fingerprint),
        changed=tuple(changes_of(run)),
        invalid=() if verdict is None else _invalid(verdict),
        judged_from=window.starts_at if window else None,
        judged_to=window.ends_at if window else None,
        sessions_started=_started(run),
        orders_accepted=run.orders.accepted if run.orders else None,
        objectives=tuple(_objective(one, latencies) for one in entries),
        steps=() if latencies is None else latencies.by_step,
    )


def identity_of(run: RunDocument) -> ReleaseIdentity:
    """Return how the tested release is known."""
    facts: Mapping[str, Any] = (run.environment.fingerprint if run.environment else None) or {}
    image = next((str(facts[name]) for name in IMAGE_FACTS if facts.get(name)), None)
    return ReleaseIdentity(image=image, release=run.release_tested)


def changes_of(run: RunDocument) -> Iterator[str]:
    """Return in words what changed while the run was played: its release, or its plan."""
    release = run.release
    seen = [one.release for one in (release.seen if release else None) or ()]
    ends = [] if release is None else [release.before, release.after]
    phases = [phase.release for phase in run.phases or () if phase.release]
    named = sorted({str(one) for one in (*seen, *ends, *phases) if one is not None})
    if len(named) > 1:
        yield f"the release changed while it was played: {', '.join(named)}"
    if run.plan_revisions:
        yield f"its plan was revised {len(run.plan_revisions)} times, first at {run.plan_revisions[0].at_s or 0:.0f} s"


def _run(directory: RunDirectory) -> RunDocument:
    run = read_run(directory)
    if run.format != RUN_FORMAT:
        raise BadInput(
            f"{directory.run}: format: {run.format or 'none'} of Peakproof {run.peakproof or 'unknown'},"
            f" this one reads {RUN_FORMAT}: use the Peakproof that played the run"
        )
    if run.ended is None:
        raise BadInput(
            f"{directory.path}: not finished: run.json says no end; `peakproof judge {directory.name}` accounts for a"
            " run whose command was killed"
        )
    return run


def _verdict(directory: RunDirectory) -> VerdictDocument | None:
    if not directory.verdict.exists():
        return None
    verdict = validate(read_object(directory.verdict), VerdictDocument, directory.verdict)
    if verdict.format != VERDICT_FORMAT:
        raise BadInput(
            f"{directory.verdict}: format: {verdict.format}, this Peakproof reads {VERDICT_FORMAT}:"
            f" `peakproof judge {directory.name}` judges it again"
        )
    return verdict


def _objectives_sha256(inputs: Mapping[str, str]) -> str | None:
    """Return one hash over those of the copies of the objectives, whatever the files' names."""
    hashes = sorted(value for name, value in inputs.items() if name.startswith("objectives/"))
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest() if hashes else None


def _invalid(verdict: VerdictDocument) -> tuple[str, ...]:
    passed_over = BESIDE_A_MISS if verdict.outcome == Outcome.FAIL.value else frozenset[str]()
    found = [one.message for one in verdict.findings or () if one.kind == "validity" and one.severity != _NOTE]
    failed = [
        f"{one.name}: {one.message or one.status}"
        for one in verdict.checks or ()
        if _is_bad(one.kind, one.status) and one.name not in passed_over
    ]
    return tuple(dict.fromkeys([*found, *failed]))


_NOTE = Severity.NOTE.value


def _is_bad(kind: str, status: str) -> bool:
    return kind == "validity" and status in ("bad", "unknown")


def _started(run: RunDocument) -> int | None:
    account = run.account
    if account is None or None in (account.completed, account.failed, account.cut_off):
        return None
    return (account.completed or 0) + (account.failed or 0) + (account.cut_off or 0)


def _objective(entry: ObjectiveEntry, latencies: Latencies | None) -> ObjectiveAggregate:
    steps = entry.steps or ()
    return ObjectiveAggregate(
        name=entry.name,
        outcome=entry.outcome,
        indicator=entry.indicator,
        source=entry.source,
        steps=steps,
        threshold_s=entry.threshold_s,
        target=entry.target,
        events=entry.events,
        bad=entry.bad,
        design_effect=entry.design_effect,
        latency=latencies.by_group.get(steps) if latencies and steps else None,
        by_minute=latencies.by_minute.get(steps, ()) if latencies and steps else (),
    )
