"""`verdict.json`: the verdict as one JSON object (`peakproof/verdict/v1`), and back."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from slo.causes.causes import Cause
from slo.documents import BadInput
from slo.findings import Finding
from slo.objectives.indicators import Window
from slo.outcomes import Outcome
from slo.verdict.objective_results import ObjectiveResult
from slo.verdict.verdict import Checkpoint, Verdict

FORMAT: Literal["peakproof/verdict/v1"] = "peakproof/verdict/v1"
_RESULTS = TypeAdapter(tuple[ObjectiveResult, ...])
_FINDINGS = TypeAdapter(tuple[Finding, ...])
_CHECKS = TypeAdapter(tuple[Checkpoint, ...])
_CAUSES = TypeAdapter(tuple[Cause, ...])


def to_json(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict as the object that verdict.json holds."""
    judged = verdict.judged
    return {
        "format": FORMAT,
        "run": verdict.run,
        "outcome": verdict.outcome.value,
        "exit_code": int(verdict.outcome.exit_code),
        "headline": verdict.headline,
        "decided_at": verdict.decided_at,
        "judged": {
            "starts_at": None if judged is None else judged.starts_at,
            "ends_at": None if judged is None else judged.ends_at,
            "left_out": dict(verdict.left_out),
        },
        "objectives": [{**dataclasses.asdict(one), "steps": list(one.steps)} for one in verdict.objectives],
        "findings": [_finding(one) for one in verdict.findings],
        "checks": [dataclasses.asdict(one) for one in verdict.checks],
        "causes": [
            {**dataclasses.asdict(one), "example_trace_ids": list(one.example_trace_ids)} for one in verdict.causes
        ],
    }


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "severity": one.severity.value,
        "subject": one.subject,
        "message": one.message,
        "change": one.change,
        "facts": dict(one.facts),
    }


def from_json(data: Mapping[str, Any], where: Path | str = "verdict.json") -> Verdict:
    """Read a verdict back; raises BadInput when `data` is not one."""
    if data.get("format") != FORMAT:
        raise BadInput(f"{where}: format: expected {FORMAT!r}, found {data.get('format')!r}")
    try:
        judged = data["judged"]
        window = None
        if judged["starts_at"] is not None:
            window = Window(starts_at=int(judged["starts_at"]), ends_at=int(judged["ends_at"]))
        return Verdict(
            run=str(data["run"]),
            outcome=Outcome(data["outcome"]),
            headline=str(data["headline"]),
            decided_at=int(data["decided_at"]),
            judged=window,
            left_out={str(name): int(number) for name, number in judged["left_out"].items()},
            objectives=_RESULTS.validate_python(data["objectives"]),
            findings=_FINDINGS.validate_python(data["findings"]),
            checks=_CHECKS.validate_python(data["checks"]),
            causes=_CAUSES.validate_python(data["causes"]),
        )
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        place = ".".join(map(str, detail["loc"]))
        raise BadInput(f"{where}: {error.title} {place}: {detail['msg']}") from error
    except KeyError as error:
        raise BadInput(f"{where}: {error.args[0]}: required and missing") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise BadInput(f"{where}: not a verdict: {error}") from error
