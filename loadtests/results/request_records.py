"""The request and session records of a run directory, asked through DuckDB: a few readings, whatever the run's size."""

import bisect
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from loadtests.results.counts_by_second import Counted, count_by_second
from loadtests.results.exact_quantiles import WAITS, Sought, Values, cuts
from loadtests.results.parts_database import PartsDatabase
from loadtests.results.record_facts import facts_of
from loadtests.results.request_tallies import HANGS, Questions, Tallies, during, tally, texts, time_requests
from loadtests.results.run_directory import RunDirectory
from loadtests.results.schemas import REQUESTS, SESSIONS, SPANS
from loadtests.results.session_sums import Endings, Means, SessionSums, read_endings, session_sums
from slo.design_effect import StepCounts
from slo.objectives.indicators import NEVER_JUDGED, Asked, Ending, Evidence, Window
from slo.validity.record_facts import RecordFacts

_SCHEMAS = {"requests": REQUESTS, "sessions": SESSIONS}
_MAY_BE_NULL = frozenset({"error", "reason"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRequests:
    """`RequestRecords` of a run directory: what its `Questions` ask, already answered.

    Another window or objective than those is a `LookupError`.
    """

    directory: RunDirectory
    tallies: Tallies
    ended: Endings
    sums: SessionSums
    waits: Mapping[Sought, float]
    sessions: int
    facts: RecordFacts
    by_second: Counted = field(default_factory=dict)

    def evidence(self, asked: Sequence[Asked], window: Window) -> tuple[Evidence, ...]:
        """Return the evidence of all that is asked, in its order, of the requests scheduled in `window`."""
        self._check(window)
        return tuple(self._evidence(one, window) for one in asked)

    def evidence_of_part(self, asked: Asked, part: Window) -> Evidence:
        """Return the counts of what is asked, of the requests scheduled in a `part` of the judged window."""
        if self.tallies.cells(part) is None:
            raise LookupError(f"{part} is no window that was asked for")
        events = _events(self.tallies, asked, part)
        return Evidence(counts=events.counts, left_out=events.left_out, unreached=events.unreached)

    def counts(self, window: Window | None = None) -> Mapping[tuple[str, str | None], int]:
        """Return the number of requests by step and error, of those scheduled in `window` or of all."""
        cells = None if window is None else self.tallies.cells(window)
        if window is not None and cells is None:
            raise LookupError(f"{window} is no window that was asked for")
        found: Counter[tuple[str, str | None]] = Counter()
        for one in self.tallies.tallies:
            if cells is None or one.cell in cells:
                found[one.step, one.error] += one.requests
        return found

    def hung(self, window: Window) -> Mapping[str, int]:
        """Return by step those scheduled in `window` that the run's end cut off after they had waited for 10 s."""
        found: Counter[str] = Counter()
        for one in self.tallies.judged(window):
            if one.error == "cut_off" and HANGS in one.slow:
                found[one.step] += one.requests
        return found

    def session_rows(self) -> int:
        """Return the number of session records."""
        return self.sessions

    def endings(self, window: Window) -> Mapping[tuple[Ending, int], int]:
        """Return the number of sessions scheduled in `window` by how they ended and by the window's block."""
        self._check(window)
        return self.ended.sessions

    def made_by(self, window: Window) -> Mapping[tuple[Ending, str], int]:
        """Return the number of requests, whenever made, of those sessions by how these ended and by step."""
        self._check(window)
        return self.sums.made

    def traced(self, steps: Iterable[str], window: Window) -> pa.Table:
        """Return `trace_id` and `scheduled_at` of the requests of `steps` in `window` whose trace has a span."""
        query = f"""
            SELECT trace_id, scheduled_at FROM requests
            WHERE {during(window)} AND step IN ({texts(sorted(steps))})
              AND trace_id IN (SELECT trace_id FROM spans)
            ORDER BY scheduled_at, trace_id
        """  # noqa: S608 - quoted by texts(), and numbers
        with PartsDatabase(self.directory, {"requests": REQUESTS, "spans": SPANS}) as database:
            rows = database.rows("requests", query)
        columns = {"trace_id": [trace for trace, _ in rows], "scheduled_at": [at for _, at in rows]}
        return pa.table(columns, schema=pa.schema([REQUESTS.field("trace_id"), REQUESTS.field("scheduled_at")]))

    def _check(self, window: Window) -> None:
        if window != self.tallies.questions.window:
            raise LookupError(f"{window} is not the judged window")

    def _evidence(self, asked: Asked, window: Window) -> Evidence:
        events = _events(self.tallies, asked, window)
        if not events.events:
            why = f"no judged request of {', '.join(asked.steps)} in the window"
            no_data = f"{why} ({events.left_out} left out)" if events.left_out else why
            return Evidence(left_out=events.left_out, unreached=events.unreached, no_data=no_data)
        waits = {
            (clock, at_least): self.waits.get(Sought(asked=asked, clock=clock, at_least=at_least))
            for clock, at_least in WAITS
        }
        return Evidence(
            counts=events.counts,
            left_out=events.left_out,
            unreached=events.unreached,
            failed=events.failed,
            quantile_s=waits["scheduled", False],
            quantile_at_least_s=waits["scheduled", True],
            service_quantile_s=waits["sent", False],
            session_scatter=self.sums.scatter.get(asked),
        )


def read_record_facts(directory: RunDirectory) -> RecordFacts:
    """Read what the records of a run say of themselves, and nothing else; raises BadInput as `read_records` does."""
    with PartsDatabase(directory, _SCHEMAS, may_be_null=_MAY_BE_NULL) as database:
        time_requests(database)
        tallies = tally(database, Questions(), {})
        return facts_of(database, tallies, read_endings(database, None, hung=False))


def read_records(directory: RunDirectory, questions: Questions) -> RecordedRequests:
    """Read the records of a run and answer all questions; raises BadInput naming parts that can't be read."""
    with PartsDatabase(directory, _SCHEMAS, may_be_null=_MAY_BE_NULL) as database:
        sessions = database.footers["sessions"].rows
        time_requests(database)
        tallies = tally(database, questions, cuts(database, questions))
        window = questions.window
        hung = any(one.error == "cut_off" and HANGS in one.slow for one in tallies.tallies)
        ended = read_endings(database, window, hung=hung)
        facts = facts_of(database, tallies, ended)
        if window is None:
            nothing = SessionSums(made={}, scatter={})
            return RecordedRequests(
                directory=directory,
                tallies=tallies,
                ended=ended,
                sums=nothing,
                waits={},
                sessions=sessions,
                facts=facts,
            )
        events = {asked: _events(tallies, asked, window) for asked in questions.asked}
        means = [one for asked, counted in events.items() if (one := _means(asked, counted)) is not None]
        values = Values(database, tallies, {asked: one.events for asked, one in events.items()})
        return RecordedRequests(
            directory=directory,
            tallies=tallies,
            ended=ended,
            sums=session_sums(database, questions, ended, means, values),
            waits=values.quantiles(),
            sessions=sessions,
            facts=facts,
            by_second=count_by_second(database, questions.criteria, window),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Events:
    """What one objective's requests come to."""

    counts: tuple[StepCounts, ...]
    left_out: int
    unreached: int
    failed: int

    @property
    def events(self) -> int:
        return round(sum(sum(step.events) for step in self.counts))


def _events(tallies: Tallies, asked: Asked, window: Window) -> _Events:
    first, blocks = tallies.questions.edges.index(window.starts_at) + 1, _blocks(tallies, window)
    events = {step: [0] * (len(window.edges()) - 1) for step in asked.steps}
    bads = {step: [0] * (len(window.edges()) - 1) for step in asked.steps}
    told: Counter[str] = Counter()
    for one in tallies.judged(window):
        if one.step not in events:
            continue
        bad = asked.bad(one.error, longer=asked.longest in one.slow)
        if bad is None:
            told["left out"] += one.requests
            told["unreached"] += one.requests if one.error in NEVER_JUDGED else 0
            continue
        block = blocks[one.cell - first]
        events[one.step][block] += one.requests
        bads[one.step][block] += one.requests if bad else 0
        if one.error not in (None, "cut_off"):
            told["failed"] += one.requests
    counts = (StepCounts(step=step, events=tuple(events[step]), bad=tuple(bads[step])) for step in asked.steps)
    return _Events(
        counts=tuple(step for step in counts if any(step.events)),
        left_out=told["left out"],
        unreached=told["unreached"],
        failed=told["failed"],
    )


def _blocks(tallies: Tallies, window: Window) -> list[int]:
    """Return the block of each cell of the window: other edges may cut one."""
    edges, starts = tallies.questions.edges, window.edges()
    cells = tallies.cells(window) or range(0)
    return [bisect.bisect_right(starts, edges[cell - 1]) - 1 for cell in cells]


def _means(asked: Asked, events: _Events) -> Means | None:
    """Return what its steps have on average; None where no scatter is known: all are good, or all bad."""
    totals = {step.step: (sum(step.bad), sum(step.events)) for step in events.counts}
    binomial = sum(bad * (1 - bad / number) for bad, number in totals.values())
    if binomial <= 0:
        return None
    bad = {step: bad / number for step, (bad, number) in totals.items()}
    return Means(asked=asked, bad=bad, binomial=binomial)
