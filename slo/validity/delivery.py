"""The load that was delivered, by the records: what was due, what started on time, and what sessions asked for."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from slo.objectives.indicators import Ending, RequestRecords, Window
from slo.objectives.journeys import NOTHING_TO_BUY, REFUSED_AS_PLANNED
from slo.validity.run_document import RunDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRequests:
    """Requests of a step, or of several, that were scheduled in the judged window.

    `blocked` were a firewall's, `at_proxy` failed at the environment's proxy, and what the generator had no descriptor
    or no port for was never sent (`unsent`). `cut_off` were under way when the run ended, and `hung` are those of them
    that had waited for 10 s.
    """

    requests: int = 0
    blocked: int = 0
    at_proxy: int = 0
    unsent: int = 0
    cut_off: int = 0
    hung: int = 0

    def __add__(self, other: Self) -> "StepRequests":
        """Return both together."""
        return StepRequests(
            requests=self.requests + other.requests,
            blocked=self.blocked + other.blocked,
            at_proxy=self.at_proxy + other.at_proxy,
            unsent=self.unsent + other.unsent,
            cut_off=self.cut_off + other.cut_off,
            hung=self.hung + other.hung,
        )

    @property
    def reached(self) -> int:
        """Return how many were sent to the shop, and not kept from it on the way."""
        return self.requests - self.blocked - self.at_proxy - self.unsent


def together(parts: Iterable[StepRequests]) -> StepRequests:
    """Return the requests of several steps together."""
    return sum(parts, StepRequests())


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyRequests:
    """The sessions of a journey that started in the judged window and had time to end, and what they asked for.

    Left out are those that the run's end cut off, unless they hung, and those that the shop refused as planned (it was
    sold out). `completed` of the `sessions` came to their end; `requests` are theirs by step whenever they were made,
    `requests_of_completed` those of the completed ones. `broken_off` counts the others by the reason recorded.
    """

    sessions: int
    completed: int
    requests: Mapping[str, int]
    requests_of_completed: Mapping[str, int]
    broken_off: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSpans:
    """The spans that a run recorded: `shoppers` are those of its own requests that were sampled, `shop` all others.

    `joined` is whether one of the shop's belongs to the trace of a request of the run. `unread` is why they can't be
    read, None where they can.
    """

    shoppers: int
    shop: int
    joined: bool
    unread: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The load by the records: in the judged window, and as a whole.

    `steps` are the requests of the window by step, `journeys` what the sessions that started in it asked for. Of the
    `buyers` that started in the window, `unserved` found nothing to buy; what the generator had no descriptor or no
    port for is counted in the whole run. `failed_journeys` are those of which sessions of the window failed and none
    was completed, with how many failed. `spans` are the whole run's, None where they weren't asked for.
    """

    due: int | None
    on_time: int | None
    session_rows: int | None
    request_rows: int | None
    steps: Mapping[str, StepRequests] | None = None
    journeys: Mapping[str, JourneyRequests] | None = None
    no_descriptor: int | None = None
    no_port: int | None = None
    buyers: int | None = None
    unserved: int | None = None
    failed_journeys: Mapping[str, int] | None = None
    spans: RecordedSpans | None = None

    @property
    def all_steps(self) -> StepRequests | None:
        """Return the requests of all steps together."""
        return None if self.steps is None else together(self.steps.values())


def delivered(records: RequestRecords, window: Window, buyers: frozenset[str]) -> Delivered:
    """Count what was due in the window and started on time, what a firewall took, and who couldn't buy.

    `buyers` are the journeys of those who mean to buy.
    """
    due: Counter[Ending] = Counter()
    for (ending, _), sessions in records.endings(window).items():
        due[ending] += sessions
    meant_to_buy = Counter({one: number for one, number in due.items() if one.journey in buyers and one.started})
    ever = _by_error(records)
    return Delivered(
        due=due.total(),
        on_time=sum(number for one, number in due.items() if one.on_time),
        steps=_by_step(records.counts(window), records.hung(window)),
        journeys=_by_journey(due, records.made_by(window)),
        buyers=meant_to_buy.total(),
        unserved=sum(number for one, number in meant_to_buy.items() if one.reason in NOTHING_TO_BUY),
        failed_journeys=_failed_journeys(due),
        no_descriptor=ever["no_descriptor"],
        no_port=ever["no_port"],
        session_rows=records.session_rows(),
        request_rows=ever.total(),
    )


def _by_step(counts: Mapping[tuple[str, str | None], int], hung: Mapping[str, int]) -> dict[str, StepRequests]:
    found: dict[str, Counter[str | None]] = {}
    for (step, error), number in counts.items():
        found.setdefault(step, Counter())[error] += number
    return {
        step: StepRequests(
            requests=by_error.total(),
            blocked=by_error["blocked"],
            at_proxy=by_error["proxy"],
            unsent=by_error["no_descriptor"] + by_error["no_port"],
            cut_off=by_error["cut_off"],
            hung=hung.get(step, 0),
        )
        for step, by_error in sorted(found.items())
    }


def _by_journey(due: Mapping[Ending, int], made: Mapping[tuple[Ending, str], int]) -> dict[str, JourneyRequests]:
    sessions = {ending: number for ending, number in due.items() if _had_time(ending)}
    return {
        journey: _of_journey({ending: number for ending, number in sessions.items() if ending.journey == journey}, made)
        for journey in sorted({ending.journey for ending in sessions})
    }


def _of_journey(sessions: Mapping[Ending, int], made: Mapping[tuple[Ending, str], int]) -> JourneyRequests:
    broken_off = _broken_off(sessions)
    number = sum(sessions.values())
    return JourneyRequests(
        sessions=number,
        completed=number - sum(broken_off.values()),
        requests=_by_step_of(made, sessions.keys()),
        requests_of_completed=_by_step_of(made, {ending for ending in sessions if _came_to_its_end(ending)}),
        broken_off=broken_off,
    )


def _by_step_of(made: Mapping[tuple[Ending, str], int], endings: Container[Ending]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for (ending, step), number in made.items():
        found[step] += number if ending in endings else 0
    return {step: number for step, number in sorted(found.items()) if number}


def _had_time(ending: Ending) -> bool:
    """Whether a session started and came to an end that says something: its own, or that of a shop that hangs."""
    ran_out = ending.outcome == "cut_off" and not ending.hangs
    refused = ending.outcome == "completed" and ending.reason in REFUSED_AS_PLANNED
    return ending.started and not ran_out and not refused


def _came_to_its_end(ending: Ending) -> bool:
    return ending.outcome == "completed" and ending.reason is None


def _broken_off(sessions: Mapping[Ending, int]) -> dict[str, int]:
    """Count by reason those that didn't come to their end, and those that a refusal ended before."""
    told: Counter[str] = Counter()
    for ending, number in sessions.items():
        if not _came_to_its_end(ending):
            told[ending.reason or ending.outcome] += number
    return dict(sorted(told.items(), key=lambda one: (-one[1], one[0])))


def _failed_journeys(due: Mapping[Ending, int]) -> dict[str, int]:
    outcomes: Counter[tuple[str, str]] = Counter()
    for ending, number in due.items():
        outcomes[ending.journey, ending.outcome] += number
    failed = {journey: count for (journey, outcome), count in outcomes.items() if outcome == "failed"}
    return {journey: count for journey, count in sorted(failed.items()) if not outcomes[journey, "completed"]}


def left_out(requests: RequestRecords, run: RunDocument, window: Window) -> dict[str, int]:
    """Count the requests outside of the judged window by the phase they were scheduled in."""
    found: dict[str, int] = {}
    counted = 0
    for phase in run.phases or ():
        if phase.name is None or phase.window is None:
            continue
        rows = _requests(requests, phase.window) - _requests(requests, phase.window.overlap(window))
        counted += rows
        if rows:
            found[phase.name] = found.get(phase.name, 0) + rows
    outside = sum(requests.counts().values()) - _requests(requests, window)
    if outside > counted:
        found["outside of every phase"] = outside - counted
    return found


def _by_error(requests: RequestRecords, window: Window | None = None) -> Counter[str | None]:
    found: Counter[str | None] = Counter()
    for (_, error), number in requests.counts(window).items():
        found[error] += number
    return found


def _requests(requests: RequestRecords, window: Window | None) -> int:
    return 0 if window is None else sum(requests.counts(window).values())
