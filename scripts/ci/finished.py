"""A finished run, comparison or command that left none, as CI sees it: its outcome, its reasons, its pages."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from loadtests.comparison.evidence import hold_comparison
from loadtests.evidence.check import check_no_links
from loadtests.evidence.manifest import FILE as MANIFEST
from loadtests.evidence.outputs import why_another, why_no_verdict
from scripts.comparing.job_folder import policy_of
from scripts.comparing.put_back import NOT_BACK
from slo.documents import BadInput, read_text, validate_json
from slo.findings import Severity
from slo.formatting import clean, clip
from slo.outcomes import ExitCode, Outcome
from slo.regression.verdict_document import FILE as COMPARISON
from slo.regression.verdict_document import ComparisonVerdict, MeasureEntry
from slo.validity.consistency import AUDIT_OF_THE_RUN, CONSISTENCY
from slo.validity.manifest import MANIFEST as MANIFEST_CHECK
from slo.validity.manifest import shown
from slo.validity.outside import Reason, causes_outside, is_outside_alone
from slo.verdict.verdict_document import FindingEntry, ObjectiveEntry, VerdictDocument

VERDICT = "verdict.json"
_MAX_BYTES = 64 << 20
_MAX_SUMMARY = 2 << 20
_LEVELS: dict[str, Literal["failure", "warning"]] = {
    "missed": "failure",
    "FAIL": "failure",
    "undecided": "warning",
    "no_data": "warning",
    "INCONCLUSIVE": "warning",
}
_OF_THE_EVIDENCE = frozenset({MANIFEST_CHECK, AUDIT_OF_THE_RUN, CONSISTENCY})
_NO_PROMETHEUS = "no Prometheus"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What one objective came to, where it isn't met."""

    objective: str
    level: Literal["failure", "warning"]
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What was played; `outcome` is None where nothing could be played at all, for `reason` (exit code `code`).

    `outside` names the causes outside the shop, when no other kept the verdict open: only then may a retry help.
    `is_advisory`: by the policy that it was judged by. `blocks_because`: why it blocks whatever any policy says, empty
    where outcome and policy decide; with it the outcome is no PASS.
    `summary` is Markdown; `path` the directory of the run or comparison, None without one.
    """

    outcome: Outcome | None
    reason: str
    code: int
    name: str = ""
    path: Path | None = None
    points: tuple[Point, ...] = ()
    outside: tuple[str, ...] = ()
    summary: str = ""
    is_advisory: bool = False
    blocks_because: str = ""


def read_finished(path: Path) -> Finished:
    """Read the judged run or comparison in `path`.

    Raises BadInput when it holds no verdict, or a broken one, or a link, which may lead to any file of the machine.
    """
    if path.is_dir():
        check_no_links(path)
    if (path / COMPARISON).is_file():
        return _comparison(path)
    if not (path / VERDICT).is_file():
        raise BadInput(f"{path}: holds no {VERDICT} and no {COMPARISON}: judge it first, `peakproof judge {path.name}`")
    return _run(path)


def unplayed(code: int, said: str) -> Finished:
    """Return what a command came to that left no run: 75 is open, anything else a mistake or a bug."""
    last = clip(clean(said), 300) or "it said nothing"
    outcome = Outcome.INCONCLUSIVE if code == ExitCode.INCONCLUSIVE else None
    outside = (_NO_PROMETHEUS,) if outcome is not None and "prometheus" in last.lower() else ()
    return Finished(outcome=outcome, reason=last, code=code, outside=outside)


def blocked(finished: Finished, because: str) -> Finished:
    """Return it as what is no success and no warning, for `because`: a FAIL stays one, anything else isn't shown."""
    outcome = Outcome.FAIL if finished.outcome is Outcome.FAIL else Outcome.INCONCLUSIVE
    return replace(finished, outcome=outcome, code=outcome.exit_code, outside=(), blocks_because=because)


def of_command(finished: Finished, code: int) -> Finished:
    """Return what was played by a command that ended with `code`: one that doesn't fit the verdict is no success."""
    fits = ExitCode.OK if finished.is_advisory else finished.code
    if code == fits or finished.blocks_because:
        return finished
    word = finished.outcome.value if finished.outcome else "none"
    return blocked(finished, f"the command ended with exit code {code}, though its verdict is {word}")


def _run(path: Path) -> Finished:
    file = path / VERDICT
    verdict = validate_json(read_text(file, _MAX_BYTES), VerdictDocument, file)
    outcome = _outcome(str(verdict.outcome), file)
    objectives = verdict.objectives or ()
    finished = Finished(
        outcome=outcome,
        reason=_reason(verdict.headline, outcome),
        code=outcome.exit_code,
        name=verdict.run or path.name,
        path=path,
        points=tuple(_point(one, outcome) for one in objectives if one.outcome in _LEVELS),
        is_advisory=verdict.policy is not None and verdict.policy.mode == "advisory",
        outside=_outside(verdict.findings or (), objectives) if outcome is Outcome.INCONCLUSIVE else (),
        summary=_summary(path),
    )
    why = _why_untrusted(path, verdict, finished)
    return finished if why is None else blocked(replace(finished, is_advisory=False), why)


def _why_untrusted(path: Path, verdict: VerdictDocument, finished: Finished) -> str | None:
    """Return why a verdict is no success whatever any policy says: it, or what it rests on, may be anybody's.

    Without a manifest nothing that may let a change go on counts: only a FAIL that blocks.
    """
    anybodys = why_no_verdict(path, VERDICT, verdict.outcome)
    if anybodys is not None:
        return anybodys
    if verdict.unverified is not None:
        return "it was judged unverified: nothing shows that its evidence is whole"
    altered = (one.message for one in verdict.findings or () if one.subject in _OF_THE_EVIDENCE and _decides(one))
    unlisted = not (path / MANIFEST).is_file() and not _blocks_in_any_case(finished)
    return next(altered, f"{VERDICT}: of a run without {MANIFEST}: nothing shows whose it is" if unlisted else None)


def _blocks_in_any_case(finished: Finished) -> bool:
    return finished.outcome is Outcome.FAIL and not finished.is_advisory


def _decides(finding: FindingEntry) -> bool:
    return finding.severity == Severity.INCONCLUSIVE.value


def _comparison(path: Path) -> Finished:
    file = path / COMPARISON
    found = validate_json(read_text(file, _MAX_BYTES), ComparisonVerdict, file)
    outcome = _outcome(found.outcome, file)
    needs = f"; {found.needs}" if found.needs else ""
    finished = Finished(
        outcome=outcome,
        reason=_reason(f"{found.because}{needs}", outcome),
        code=outcome.exit_code,
        name=found.name,
        path=path,
        points=tuple(_point(one) for one in found.measures if one.outcome in _LEVELS),
        is_advisory=policy_of(path).is_advisory,
        outside=_outside_of(found) if outcome is Outcome.INCONCLUSIVE else (),
        summary=_summary(path),
    )
    left = next((note for note in found.notes if note.startswith(NOT_BACK)), found.untrusted)
    why = left or _why_not_the_comparison(path, finished)
    return finished if why is None else blocked(replace(finished, is_advisory=False), clip(clean(why), 300))


def _why_not_the_comparison(path: Path, finished: Finished) -> str | None:
    """Return why a comparison's verdict is no success: it, or the documents that it rests on, may be anybody's.

    Those are a few small files, held here as well; the records of its runs were held when it was judged. Without a
    manifest nothing that may let a change go on counts, as of a run.
    """
    anybodys = why_no_verdict(path, COMPARISON, "" if finished.outcome is None else finished.outcome.value)
    if anybodys is not None:
        return anybodys
    held = hold_comparison(path)
    if held.manifest is None and _blocks_in_any_case(finished) and not (path / MANIFEST).exists():
        return None
    return next((shown(flaw.path, flaw.what) for flaw in held.flaws), None)


def _outcome(word: str, file: Path) -> Outcome:
    try:
        return Outcome(word)
    except ValueError:
        raise BadInput(f"{file}: outcome: expected PASS, FAIL or INCONCLUSIVE, found {clip(repr(word), 80)}") from None


def _point(one: ObjectiveEntry | MeasureEntry, whole: Outcome = Outcome.FAIL) -> Point:
    """Return what one objective came to; a miss that a waiver lets through, in a PASS, is a warning."""
    word = one.outcome.replace("_", " ").lower()
    message = "; ".join(part for part in (one.because, one.needs and f"needs {one.needs}") if part)
    level = "warning" if whole is Outcome.PASS else _LEVELS[one.outcome]
    return Point(objective=clean(one.name), level=level, message=clean(f"{word}: {message}"))


def _reason(headline: str | None, outcome: Outcome) -> str:
    return clean((headline or "no reason recorded").removeprefix(outcome.value))


def _outside(findings: tuple[FindingEntry, ...], objectives: tuple[ObjectiveEntry, ...]) -> tuple[str, ...]:
    """Return the causes outside the shop, none where another cause, or one that isn't known, is among them."""
    open_ = [one for one in findings if one.severity == "inconclusive" and one.kind != "objective"]
    reasons = [Reason(check=one.subject or "", known=one.known is not False) for one in open_]
    if not is_outside_alone(reasons):
        return ()
    unanswered = any(one.outcome == "no_data" and one.source == "prometheus" for one in objectives)
    return (*causes_outside(reasons), *([_NO_PROMETHEUS] if unanswered else []))


def _outside_of(found: ComparisonVerdict) -> tuple[str, ...]:
    """Return the causes outside the shop that alone kept a comparison open.

    Counters of the server's that nobody answered for in any pair are such a cause, if all else passes.
    """
    open_ = [one for one in found.measures if one.outcome != Outcome.PASS.value]
    unanswered = [
        one
        for one in open_
        if one.source == "prometheus" and one.blocks and all(pair.a is pair.b is None for pair in one.blocks)
    ]
    if found.outside or found.invalid_because or len(unanswered) < len(open_):
        return found.outside
    return (_NO_PROMETHEUS,) if unanswered else ()


def _summary(path: Path) -> str:
    file = own_page(path, "summary.md")
    return "" if file is None else read_text(file, _MAX_SUMMARY)


def own_page(path: Path, name: str) -> Path | None:
    """Return a rendering in the directory of a run or comparison, None where it isn't there, or not as it was made."""
    return path / name if (path / name).is_file() and why_another(path, name) is None else None
