"""What two runs don't have in common: what is to be kept in mind, and what makes their figures incomparable."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dashboards.formatting import UNKNOWN, length
from dashboards.report.run_files import Reading
from slo.validity.run_document import RunDocument

_SHOWN_HASH = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlike:
    """One thing in which two runs differ; with `stops`, differences between their figures would mislead."""

    what: str
    here: str
    there: str
    so: str
    stops: bool = False


def unlike(here: Reading, there: Reading) -> list[Unlike]:
    """Return in what the two runs differ, apart from the release; what isn't known of one differs."""
    return [*_plans(here, there), *_surroundings(here, there), *_courses(here, there)]


def _plans(here: Reading, there: Reading) -> Iterator[Unlike]:
    hashes = [_plan_hash(reading) for reading in (here, there)]
    if hashes[0] is None or hashes[0] != hashes[1]:
        so = "another plan is another load, so no difference is named"
        yield Unlike(what="plan", here=_plan(here), there=_plan(there), so=so, stops=True)
    changed = [_revisions(reading) for reading in (here, there)]
    if any(changed):
        words = [_changed(number) for number in changed]
        so = "the load was changed while it was played, so no difference is named"
        yield Unlike(what="load", here=words[0], there=words[1], so=so, stops=True)


def _plan_hash(reading: Reading) -> str | None:
    told = reading.run.plan.sha256 if reading.run and reading.run.plan else None
    return told or reading.hashes.get(reading.directory.plan.name)


def _plan(reading: Reading) -> str:
    named = reading.run.plan.name if reading.run and reading.run.plan else None
    digest = _plan_hash(reading)
    return f"{named or UNKNOWN} ({digest[:_SHOWN_HASH] if digest else 'its content is not known'})"


def _revisions(reading: Reading) -> int:
    return len((reading.run and reading.run.plan_revisions) or ())


def _changed(number: int) -> str:
    return "as planned" if not number else "changed 1 time" if number == 1 else f"changed {number} times"


def _surroundings(here: Reading, there: Reading) -> Iterator[Unlike]:
    facts = [_facts(reading.run) for reading in (here, there)]
    for what in dict.fromkeys([*facts[0], *facts[1]]):
        values = [facts[0].get(what), facts[1].get(what)]
        if values[0] is None or values[0] != values[1]:
            so = {
                "Peakproof": "another version may send or count differently",
                "seed": "other shoppers came at other moments",
            }.get(what, "what differs in the figures may come from there")
            yield Unlike(what=what, here=_shown(values[0]), there=_shown(values[1]), so=so)


def _facts(run: RunDocument | None) -> Mapping[str, Any]:
    environment = run.environment if run else None
    fingerprint = (environment.fingerprint if environment else None) or {}
    return {
        "environment": environment.name if environment else None,
        "address": environment.base_url if environment else None,
        **{f"environment's {name}": value for name, value in fingerprint.items()},
        "Peakproof": run.peakproof if run else None,
        "seed": run.seed if run else None,
    }


def _courses(here: Reading, there: Reading) -> Iterator[Unlike]:
    ends = [(reading.run and reading.run.ended) or "not ended" for reading in (here, there)]
    if ends != ["completed", "completed"]:
        yield Unlike(what="end", here=ends[0], there=ends[1], so="only what both have played is compared")
    lengths = [reading.judged.duration_s if reading.judged else None for reading in (here, there)]
    if lengths[0] != lengths[1]:
        so = "the shorter of the two is compared"
        yield Unlike(what="judged time", here=length(lengths[0]), there=length(lengths[1]), so=so)
    outcomes = [reading.verdict.outcome if reading.verdict else "not judged" for reading in (here, there)]
    if not set(outcomes) <= {"PASS", "FAIL"}:
        so = "a run that is not valid may show what it was, and not what the shop is"
        yield Unlike(what="verdict", here=outcomes[0], there=outcomes[1], so=so)


def _shown(value: object) -> str:
    return UNKNOWN if value is None else str(value)
