"""Every arrival that came due ends as exactly one session record, however it ends."""

from collections.abc import Callable, Sequence
from pathlib import Path

import gevent
import pytest
from gevent.event import Event

from loadtests.client.interface import Request
from loadtests.demand.arrivals import Arrival
from loadtests.demand.visits import BUYERS
from loadtests.journeys import JOURNEYS
from loadtests.results.records import SessionRecord
from loadtests.shopper.session import Session, SessionContext, SessionFailedError
from loadtests.storefronts.twisted_threads import TwistedThreads
from loadtests.worker.scheduler import Scheduler, WorkerSchedule
from tests.loadtests.fakes import SECOND, FakeClient, Memory, TalkingShop, arrival, ok, worker

Visit = Callable[[Session], None]
HOME = Request(step="home", method="GET", path="/")
FOREVER_S = 3600.0


class Stage:
    """A conductor over a fake shop, with what was told."""

    def __init__(self, folder: Path, visit: Visit, arrivals: Sequence[Arrival], **score: float) -> None:
        self.memory, self.client = Memory(), FakeClient(lambda _: ok())
        self.worker: SessionContext = worker(folder, self.client, memory=self.memory)
        self.started_at = self.worker.clock.now() + round(score.get("starts_in_s", 0) * SECOND)
        self.conductor = Scheduler(
            self.worker,
            WorkerSchedule(
                arrivals=arrivals,
                started_at=self.started_at,
                ends_at=self.started_at + round(score.get("lasts_s", FOREVER_S) * SECOND),
                max_open=int(score.get("max_open", 100)),
                open_until=self.started_at + round(score.get("open_for_s", 0) * SECOND),
            ),
            visit,
        )

    def play(self) -> None:
        """Play to the end; a conductor that hangs fails the test."""
        with gevent.Timeout(30):
            self.conductor.play()

    def outcomes(self) -> dict[int, str]:
        """Return the outcome of each session; each was told once."""
        told = {record.session: record.outcome for record in self.memory.sessions}
        assert len(told) == len(self.memory.sessions)
        assert self.conductor.open_sessions == 0
        return told


def several(count: int, every_s: float = 0.001) -> list[Arrival]:
    return [arrival(number=number, at_s=number * every_s) for number in range(count)]


def do_nothing(_: Session) -> None:
    return


def look(session: Session) -> None:
    session.step(HOME)


def wait_for_ever(_: Session) -> None:
    Event().wait()


def test_a_visit_that_comes_to_its_end_is_completed(tmp_path: Path) -> None:
    stage = Stage(tmp_path, look, several(5))
    stage.play()
    assert stage.outcomes() == dict.fromkeys(range(5), "completed")
    assert {record.reason for record in stage.memory.sessions} == {None}
    assert (stage.client.closed, stage.conductor.counts) == (5, {"started": 5, "completed": 5})
    assert sorted(record.session for record in stage.memory.steps) == list(range(5))


def test_a_session_is_scheduled_at_its_arrival_and_never_started_before(tmp_path: Path) -> None:
    stage = Stage(tmp_path, do_nothing, several(4, every_s=0.01), starts_in_s=0.02)
    stage.play()
    for record in stage.memory.sessions:
        assert record.scheduled_at == stage.started_at + record.session * SECOND // 100
        assert record.scheduled_at <= record.started_at <= record.ended_at
        assert record.late_s == pytest.approx((record.started_at - record.scheduled_at) / 1e9)


def test_a_late_start_runs_and_says_how_late(tmp_path: Path) -> None:
    stage = Stage(tmp_path, do_nothing, several(2), starts_in_s=-5)
    stage.play()
    assert stage.outcomes() == {0: "completed", 1: "completed"}
    assert min(record.late_s for record in stage.memory.sessions) >= 4.9


def test_a_slow_shop_delays_no_arrival(tmp_path: Path) -> None:
    stage = Stage(tmp_path, wait_for_ever, several(10), lasts_s=0.2)
    stage.play()
    assert stage.conductor.peak_open == 10
    assert max(record.started_at for record in stage.memory.sessions) <= stage.started_at + SECOND // 5


def test_a_visit_that_meets_an_error_has_failed_with_its_reason(tmp_path: Path) -> None:
    def visit(_: Session) -> None:
        raise SessionFailedError("checkout: http_5xx")

    stage = Stage(tmp_path, visit, several(2))
    stage.play()
    assert stage.outcomes() == {0: "failed", 1: "failed"}
    assert {record.reason for record in stage.memory.sessions} == {"checkout: http_5xx"}
    assert not stage.worker.hooks.failures


def test_a_journey_s_own_mistake_is_counted_as_a_hook_s_failure(tmp_path: Path) -> None:
    def visit(session: Session) -> None:
        if session.arrival.number:
            raise RuntimeError("a slip")

    stage = Stage(tmp_path, visit, several(3))
    stage.play()
    assert stage.outcomes() == {0: "completed", 1: "failed", 2: "failed"}
    assert stage.worker.hooks.failures == {("journey", "RuntimeError('a slip')"): 2}
    assert [record.reason for record in stage.memory.sessions] == [None, *["journey: RuntimeError('a slip')"] * 2]


@pytest.mark.parametrize("broken", ["new_client", "close"])
def test_a_client_that_breaks_loses_no_session(tmp_path: Path, broken: str) -> None:
    def fail() -> None:
        raise OSError("no more files")

    stage = Stage(tmp_path, do_nothing, several(2))
    setattr(stage.client, "close", fail)  # noqa: B010 - a method of one object
    if broken == "new_client":
        object.__setattr__(stage.worker, "new_client", fail)
    stage.play()
    assert stage.outcomes() == {0: "failed", 1: "failed"}
    assert stage.worker.hooks.failures == {("journey", "OSError('no more files')"): 2}


def test_a_visit_ended_by_force_is_not_completed(tmp_path: Path) -> None:
    def visit(_: Session) -> None:
        raise gevent.Timeout(0)

    stage = Stage(tmp_path, visit, several(1))
    stage.play()
    assert stage.outcomes() == {0: "failed"}
    assert stage.memory.sessions[0].reason == "ended by force"


def test_an_arrival_over_the_ceiling_is_dropped_with_its_reason(tmp_path: Path) -> None:
    stage = Stage(tmp_path, wait_for_ever, several(5), lasts_s=0.1, max_open=2)
    stage.play()
    assert stage.outcomes() == {0: "cut_off", 1: "cut_off", 2: "dropped", 3: "dropped", 4: "dropped"}
    dropped = [record for record in stage.memory.sessions if record.outcome == "dropped"]
    assert {(record.reason, record.started_at) for record in dropped} == {("open_sessions", 0)}
    assert (stage.conductor.peak_open, stage.conductor.counts["dropped"]) == (2, 3)


def test_a_session_that_ended_makes_room_for_the_next(tmp_path: Path) -> None:
    stage = Stage(tmp_path, do_nothing, several(6, every_s=0.05), max_open=1)
    stage.play()
    assert stage.outcomes() == dict.fromkeys(range(6), "completed")


def test_the_end_of_the_drain_cuts_off_what_is_under_way(tmp_path: Path) -> None:
    def visit(session: Session) -> None:
        if session.arrival.number % 2:
            wait_for_ever(session)

    stage = Stage(tmp_path, visit, several(4), lasts_s=0.1)
    stage.play()
    assert stage.outcomes() == {0: "completed", 1: "cut_off", 2: "completed", 3: "cut_off"}
    assert stage.worker.clock.now() >= stage.started_at + SECOND // 10
    assert {r.reason for r in stage.memory.sessions} == {None}


def test_a_run_whose_sessions_have_all_ended_does_not_wait_for_the_drain(tmp_path: Path) -> None:
    stage = Stage(tmp_path, do_nothing, several(3), lasts_s=FOREVER_S)
    stage.play()
    assert stage.outcomes() == dict.fromkeys(range(3), "completed")


def stopping(stage: Stage, number: int) -> Visit:
    """Return a visit that stops the run in session `number` and then waits for ever, as all others do."""

    def visit(session: Session) -> None:
        if session.arrival.number == number:
            stage.conductor.stop()
        wait_for_ever(session)

    return visit


def test_a_stop_starts_nothing_more_and_cuts_off_the_rest(tmp_path: Path) -> None:
    stage = Stage(tmp_path, do_nothing, [*several(3), arrival(number=3, at_s=FOREVER_S / 2)])
    stage.conductor._visit = stopping(stage, 2)
    stage.play()
    assert stage.outcomes() == {0: "cut_off", 1: "cut_off", 2: "cut_off"}


def test_a_stop_in_the_drain_ends_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path, do_nothing, several(2))
    stage.conductor._visit = stopping(stage, 1)
    stage.play()
    assert stage.outcomes() == {0: "cut_off", 1: "cut_off"}


def test_a_stop_before_the_start_starts_nothing(tmp_path: Path) -> None:
    stage = Stage(tmp_path, do_nothing, several(3))
    stage.conductor.stop()
    stage.play()
    assert stage.outcomes() == {}


def test_a_conductor_says_which_arrival_it_had_not_come_to(tmp_path: Path) -> None:
    stage = Stage(tmp_path, do_nothing, [*several(3), arrival(number=7, at_s=FOREVER_S / 2)])
    assert stage.conductor.next_arrival == 0
    stage.conductor._visit = stopping(stage, 2)
    stage.play()
    assert stage.conductor.next_arrival == 7


def test_a_conductor_that_came_to_the_end_has_no_next_arrival(tmp_path: Path) -> None:
    stage = Stage(tmp_path, do_nothing, several(3))
    stage.play()
    assert stage.conductor.next_arrival is None
    assert Stage(tmp_path, do_nothing, []).conductor.next_arrival is None


def revising(stage: Stage, number: int, arrivals: Sequence[Arrival], kept: int, struck: list[int]) -> Visit:
    """Return a visit that, in session `number`, has the conductor play other arrivals, and stops it in the last."""

    def visit(session: Session) -> None:
        if session.arrival.number == number:
            struck.append(stage.conductor.revise(arrivals, kept))
        if session.arrival.number == arrivals[-1].number:
            stage.conductor.stop()

    return visit


def test_a_revision_strikes_what_has_not_come_and_plays_what_takes_its_place(tmp_path: Path) -> None:
    stage = Stage(tmp_path, do_nothing, [*several(3), arrival(number=3, at_s=FOREVER_S / 2)])
    struck: list[int] = []
    new = [*several(3), arrival(number=4, at_s=0.02), arrival(number=5, at_s=0.03)]
    stage.conductor._visit = revising(stage, 2, new, 3, struck)
    stage.play()
    assert stage.outcomes() == dict.fromkeys([0, 1, 2, 4, 5], "completed")
    assert struck == [0]
    assert stage.conductor.next_arrival is None


def test_a_revision_heard_too_late_says_how_many_struck_sessions_had_been_started(tmp_path: Path) -> None:
    stage = Stage(tmp_path, do_nothing, several(4), starts_in_s=-1, open_for_s=FOREVER_S)
    struck: list[int] = []
    new = [*several(1), arrival(number=4, at_s=0.001), arrival(number=5, at_s=0.002)]
    stage.conductor._visit = revising(stage, 0, new, 1, struck)
    stage.play()
    assert struck == [3]
    assert stage.outcomes() == dict.fromkeys([0, 1, 2, 3, 4, 5], "completed")


def test_a_paused_conductor_waits_for_more_until_nobody_can_arrive(tmp_path: Path) -> None:
    stage = Stage(tmp_path, do_nothing, several(2), open_for_s=FOREVER_S)
    playing = gevent.spawn(stage.play)
    gevent.spawn(lambda: None).join()
    while stage.conductor.next_arrival is not None or stage.conductor.open_sessions:
        gevent.sleep(0.001)
    assert not playing.ready()
    assert stage.conductor.revise([*several(2), arrival(number=2, at_s=0.0)], 2) == 0
    while len(stage.memory.sessions) < 3:
        gevent.sleep(0.001)
    assert not playing.ready()
    stage.conductor.stop()
    playing.join(30)
    assert playing.ready()
    assert stage.outcomes() == dict.fromkeys(range(3), "completed")


def test_when_nobody_can_arrive_any_more_it_is_over(tmp_path: Path) -> None:
    stage = Stage(tmp_path, do_nothing, [], open_for_s=0.05)
    stage.play()
    assert stage.worker.clock.now() >= stage.started_at + SECOND // 20


def test_a_session_that_had_not_run_a_line_is_cut_off_too(tmp_path: Path) -> None:
    stage = Stage(tmp_path, do_nothing, several(3, every_s=0), starts_in_s=-1)
    for one in several(3):
        stage.conductor._start(one)
    stage.conductor.cut_off()
    assert stage.outcomes() == dict.fromkeys(range(3), "cut_off")


def test_a_session_that_will_not_die_holds_the_end_up_no_longer_than_the_grace(tmp_path: Path) -> None:
    released = Event()

    def visit(_: Session) -> None:
        while not released.is_set():
            try:
                released.wait()
            except gevent.GreenletExit:
                continue

    stage = Stage(tmp_path, visit, several(1), lasts_s=0.05)
    stage.play()
    assert stage.outcomes() == {0: "cut_off"}
    released.set()
    gevent.sleep(0.01)
    assert stage.outcomes() == {0: "cut_off"}


def test_cutting_off_again_does_nothing(tmp_path: Path) -> None:
    stage = Stage(tmp_path, wait_for_ever, several(2), lasts_s=0.05)
    stage.play()
    stage.conductor.cut_off()
    assert stage.outcomes() == {0: "cut_off", 1: "cut_off"}


def test_a_conductor_that_is_killed_cuts_off_what_is_under_way(tmp_path: Path) -> None:
    under_way = Event()

    def visit(session: Session) -> None:
        under_way.set()
        wait_for_ever(session)

    stage = Stage(tmp_path, visit, several(1))
    greenlet = gevent.spawn(stage.conductor.play)
    assert under_way.wait(10)
    greenlet.kill(timeout=30)
    assert stage.outcomes() == {0: "cut_off"}


def test_a_listener_that_fails_loses_no_outcome(tmp_path: Path) -> None:
    stage = Stage(tmp_path, do_nothing, several(2))

    class Broken(Memory):
        def session_ended(self, record: SessionRecord) -> None:
            raise ValueError("full") if record.session >= 0 else AssertionError

    stage.worker.hooks._listeners = (Broken(), stage.memory)
    stage.play()
    assert stage.outcomes() == {0: "completed", 1: "completed"}
    assert stage.worker.hooks.failures == {("Broken", "ValueError('full')"): 2}


@pytest.mark.parametrize(("status", "reason"), [(409, "data_exhausted"), (402, None)])
def test_a_buyer_whose_order_is_refused_for_want_of_stock_could_not_buy_and_one_whose_card_is_could(
    tmp_path: Path, status: int, reason: str | None
) -> None:
    visit = JOURNEYS["search-and-buy"]
    stage = Stage(tmp_path, lambda session: visit(session, TwistedThreads(session)), several(1))
    stage.client.answer = TalkingShop(replies={"checkout": ok({"error": "told"}, status)})
    stage.play()
    (record,) = stage.memory.sessions
    assert (record.outcome, record.reason) == ("completed", reason)


@pytest.mark.parametrize(
    ("journey", "stock", "reason"),
    [
        ("search-and-buy", 0, "data_exhausted"),
        ("click-and-collect", 1, "data_exhausted"),
        ("design-your-own", 0, "data_exhausted"),
        ("search-and-buy", 50, None),
        ("click-and-collect", 50, None),
        ("window-shop", 0, None),
    ],
)
def test_a_visit_that_found_nothing_to_buy_is_completed_and_says_so(
    tmp_path: Path, journey: str, stock: int, reason: str | None
) -> None:
    stage = Stage(tmp_path, lambda session: JOURNEYS[journey](session, TwistedThreads(session)), several(1))
    stage.client.answer = TalkingShop(stock=stock)
    stage.play()
    (record,) = stage.memory.sessions
    assert (record.outcome, record.reason) == ("completed", reason)
    assert (journey in BUYERS) == (journey != "window-shop")
