"""What a PASS doesn't show: it holds for what was played, judged and audited, and for nothing else."""

from collections.abc import Iterator, Sequence

from slo.formatting import seconds
from slo.validity.run_document import RunDocument
from slo.verdict.about import About
from slo.verdict.checkpoints import Checkpoint
from slo.verdict.objective_results import ObjectiveResult
from slo.verdict.promises import NEEDS


def not_shown(
    about: About,
    run: RunDocument,
    objectives: Sequence[ObjectiveResult],
    checks: Sequence[Checkpoint],
    steps: frozenset[str],
    assumed_error_burst_s: float,
) -> tuple[str, ...]:
    """Return in short phrases what the run says nothing of; `steps` are those that its plan played."""
    first, *rest = _phrases(about, run, objectives, checks, steps)
    return (first, *_bursts(objectives, assumed_error_burst_s), *rest)


def _bursts(objectives: Sequence[ObjectiveResult], assumed_s: float) -> Iterator[str]:
    """Yield the shortest error burst that one of the objectives would not have been shown met with."""
    held = [(one.survives_error_burst_s, one.name) for one in objectives if one.survives_error_burst_s is not None]
    if held:
        longest_s, name = min(held)
        yield f"error bursts of over {seconds(longest_s)} ({name}), {seconds(assumed_s)} assumed"


def _phrases(
    about: About,
    run: RunDocument,
    objectives: Sequence[ObjectiveResult],
    checks: Sequence[Checkpoint],
    steps: frozenset[str],
) -> Iterator[str]:
    yield f"more load than was played, another size or other data than {about.where}'s"
    if run.not_played is None:
        yield "journeys that weren't played: not known which"
    elif run.not_played:
        yield f"journeys not played: {', '.join(run.not_played)}"
    if run.assets is None or run.assets.fetched in (None, "off"):
        yield "pages' images, scripts and styles: not fetched"
    judged = [one for one in objectives if one.outcome == "met"]
    bare = sorted(steps - {step for one in judged for step in one.steps})
    if bare:
        yield f"steps without a judged objective: {', '.join(bare)}"
    given_up = [one.name for one in objectives if one.outcome == "not_judged"]
    if given_up:
        yield f"objectives not judged: {', '.join(given_up)}"
    if run.canaries is None or not run.canaries.sessions:
        yield "whether a shopper was shown another's data: the storefront leaves no canary"
    promises = [point for point in checks if point.kind == "audit" and point.name in NEEDS]
    unaudited = [point.name for point in promises if point.status == "left out"]
    if unaudited:
        yield f"promises not audited: {', '.join(unaudited) if len(unaudited) < len(promises) else 'all'}"
