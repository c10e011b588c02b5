"""What a reader asks first, in sentences: is it sure, what caused it, what to do next."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dashboards.formatting import count, length, percent, seconds
from dashboards.report.run_files import Reading
from slo.verdict.verdict_document import CauseEntry, FindingEntry, ObjectiveEntry, VerdictDocument

OUTCOMES = frozenset({"PASS", "FAIL", "INCONCLUSIVE"})
_MAX_STEPS = 3
_VALIDITY_FIRST = {"validity": 0, "audit": 1, "objective": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A question with its answer; `target` is the id of the section that shows it, empty without one."""

    question: str
    words: str
    target: str = ""
    where: str = ""


def answers(reading: Reading) -> list[Answer]:
    """Return what a reader asks beside the verdict, in the order of asking."""
    verdict = reading.verdict
    if verdict is None or verdict.outcome not in OUTCOMES:
        judged = "'s evidence isn't whole" if reading.untrusted else " has not been judged"
        words = f"No. This run{judged}: take nothing on this page for a pass."
        return [Answer(question="Is it sure?", words=words), Answer(question="What next?", words=_judge_it(reading))]
    caused = [_caused(verdict)] if verdict.outcome == "FAIL" else []
    return [_sure(verdict), *caused, *_unshown(verdict), _next(reading, verdict)]


def _judge_it(reading: Reading) -> str:
    if reading.run is None:
        return "Look at the files named below: without run.json this can't be judged."
    if reading.untrusted is not None:
        verify = f"peakproof verify {reading.directory.name} names each file that isn't as it was"
        return f"Take the run directory as the run left it, or run again: {verify}."
    return f"peakproof judge {reading.directory.name} tells what its records show."


def _sure(verdict: VerdictDocument) -> Answer:
    match verdict.outcome:
        case "PASS":
            words = _sure_of_pass(verdict)
        case "FAIL":
            return _sure_of_fail(verdict)
        case _:
            words = f"No. This is neither a pass nor a failure: {_why_open(verdict)}."
            missed = sum(one.outcome == "missed" for one in verdict.objectives or ())
            if missed:
                words += f" {_numbered(missed)} looked missed, in a run that isn't valid."
    return Answer(question="Is it sure?", words=words, target="objectives", where="the objectives")


def _why_open(verdict: VerdictDocument) -> str:
    if any(one.kind == "validity" and one.severity == "inconclusive" for one in verdict.findings or ()):
        return "the run is not valid, so what it shows can't be relied on"
    return "what was recorded is too little to tell"


def _sure_of_pass(verdict: VerdictDocument) -> str:
    outcomes = [one.outcome for one in verdict.objectives or ()]
    met, unjudged = outcomes.count("met"), outcomes.count("not_judged")
    words = (
        f"Yes: {_numbered(met)} {_was(met)} shown to hold with room for chance, and the load was delivered as planned."
    )
    if unjudged:
        words += f" {_numbered(unjudged)} {_was(unjudged)} not judged, as the plan says."
    promises = [one for one in verdict.checks or () if one.kind == "audit"]
    left_out = sum(one.status == "left out" for one in promises)
    if promises:
        words += f" {count(len(promises) - left_out)} of {count(len(promises))} promises to shoppers were checked."
    return words


def _sure_of_fail(verdict: VerdictDocument) -> Answer:
    missed = [one for one in verdict.objectives or () if one.outcome == "missed" and one.bad_ratio_low is not None]
    if missed:
        worst = max(missed, key=_surely_burnt)
        return Answer(
            question="Is it sure?",
            words=f"Yes: with all that chance explains taken off, {percent(worst.bad_ratio_low)} were still bad; "
            f"{_allowed(worst)} allowed ({worst.display_name or worst.name}).",
            target="objectives",
            where="the objectives",
        )
    return Answer(
        question="Is it sure?",
        words="Yes: it rests on the shop's own records, order by order, and not on a sample.",
        target="audit",
        where="the audit",
    )


def _surely_burnt(one: ObjectiveEntry) -> float:
    """Return how much of the allowed ratio is surely used."""
    allowed = 1 - (one.target or 0)
    return (one.bad_ratio_low or 0) / allowed if allowed > 0 else math.inf


def _allowed(one: ObjectiveEntry) -> str:
    return "not known how many are" if one.target is None else f"{percent(round(1 - one.target, 6))} is"


def _caused(verdict: VerdictDocument) -> Answer:
    question = "What caused it?"
    cause = next(iter(verdict.causes or ()), None)
    if cause:
        return Answer(question=question, words=_grew(cause), target="causes", where="all that grew")
    why_not = [one.message for one in verdict.findings or () if one.kind == "cause"]
    if why_not:
        return Answer(question=question, words=f"Not known: {why_not[0]}.", target="causes", where="causes")
    if any(one.kind == "audit" and one.severity == "fail" for one in verdict.findings or ()):
        words = "Not known from here; the audit lists examples of the orders concerned."
        return Answer(question=question, words=words, target="audit", where="the audit")
    return Answer(question=question, words="Not known: no traces tell where the time went.")


def _grew(cause: CauseEntry) -> str:
    words = f"“{cause.span}” in {cause.service} takes {seconds(cause.grew_s)} longer than in the reference phase"
    if cause.grew_low_s is not None:
        words += f" (at least {seconds(cause.grew_low_s)})"
    before, now = cause.calls_per_trace_before, cause.calls_per_trace_now
    if before is not None and now is not None and round(now) != round(before):
        words += f": {count(round(now))} calls a request, {count(round(before))} before"
    return f"{words}."


def _next(reading: Reading, verdict: VerdictDocument) -> Answer:
    question = "What next?"
    if verdict.outcome == "PASS":
        return Answer(question=question, words=f"Nothing has to be mended. {_reach(reading)}")
    if verdict.outcome == "FAIL":
        return _mend(verdict)
    steps = list(dict.fromkeys(_changes(verdict.findings or ())))
    if not steps:
        words = "See which objectives are undecided, and what each of them needs."
        return Answer(question=question, words=words, target="objectives", where="the objectives")
    words = "; ".join(steps[:_MAX_STEPS])
    words = words[:1].upper() + words[1:]
    more = f"; and {len(steps) - _MAX_STEPS} more below" if len(steps) > _MAX_STEPS else ""
    return Answer(question=question, words=f"{words}{more}.", target="findings", where="why")


def _mend(verdict: VerdictDocument) -> Answer:
    if any(one.kind == "audit" and one.severity == "fail" for one in verdict.findings or ()):
        words = "Keep the release back, and look at the orders that the audit names."
        return Answer(question="What next?", words=words, target="audit", where="the orders")
    if verdict.causes:
        words = "Keep the release back. The slowest requests show where the time goes, span by span."
        return Answer(question="What next?", words=words, target="traces", where="the slowest requests")
    words = "Keep the release back. See which step was slow or failed, and since when."
    return Answer(question="What next?", words=words, target="felt", where="what the shopper felt")


def _unshown(verdict: VerdictDocument) -> Iterator[Answer]:
    """Yield what a PASS doesn't show."""
    if verdict.outcome == "PASS" and verdict.not_shown:
        words = "; ".join(verdict.not_shown)
        yield Answer(question="Not shown?", words=f"{words[:1].upper()}{words[1:]}.")


def _changes(findings: Sequence[FindingEntry]) -> Iterator[str]:
    """Yield what would settle the verdict: an invalid run first, for nothing else counts before that."""
    undecided = [one for one in findings if one.severity == "inconclusive" and one.change]
    for one in sorted(undecided, key=lambda one: _VALIDITY_FIRST.get(one.kind, len(_VALIDITY_FIRST))):
        yield one.change or ""


def _reach(reading: Reading) -> str:
    """Return how far the verdict reaches: no further than the load that was played."""
    plan, judged = reading.plan, reading.judged
    if plan is None or judged is None:
        return "It holds for the load that was played and no more."
    demand = plan.demand
    return (
        f"It holds for what was played: up to {count(demand.peak_sessions_per_s)} sessions a second, "
        f"{count(demand.factor)} times the forecast, judged over {length(judged.duration_s)}."
    )


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _numbered(number: int) -> str:
    return "1 objective" if number == 1 else f"{count(number)} objectives"
