"""Every arrival that came due ends as exactly one session record, however it ends."""

from collections.abc import Callable, Sequence
from pathlib import Path

import gevent
import pytest
from gevent.event import Event

from loadtests.client.interface import Request
from loadtests.demand.arrivals import Arrival
from loadtests.demand.visits import BUYERS
from loadtests.results.records import SessionRecord
from loadtests.shopper.session import Session
from loadtests.shopper.session_context import SessionContext
from loadtests.shopper.session_errors import SessionFailedError
from loadtests.storefronts import Given
from loadtests.storefronts.twisted_threads_customers import STOREFRONT
from loadtests.worker.scheduler import Scheduler, WorkerSchedule
from tests.loadtests.fakes import SECOND, FakeClient, Memory, TalkingShop, arrival, ok, worker

Visit = Callable[[Session], None]
HOME = Request(step="home", method="GET", path="/")
FOREVER_S = 3600.0


class Played:
    """A scheduler over a fake shop, with what was told."""

    def __init__(self, folder: Path, visit: Visit, arrivals: Sequence[Arrival], **given: float) -> None:
        self.memory, self.client = Memory(), FakeClient(lambda _: ok())
        self.worker: SessionContext = worker(folder, self.client, memory=self.memory)
        self.started_at = self.worker.clock.now() + round(given.get("starts_in_s", 0) * SECOND)
        self.scheduler = Scheduler(
            self.worker,
            WorkerSchedule(
                arrivals=arrivals,
                started_at=self.started_at,
                ends_at=self.started_at + round(given.get("lasts_s", FOREVER_S) * SECOND),
                max_open=int(given.get("max_open", 100)),
                open_until=self.started_at + round(given.get("open_for_s", 0) * SECOND),
            ),
            visit,
        )

    def play(self) -> None:
        """Play to the end; a scheduler that hangs fails the test."""
        with gevent.Timeout(30):
            self.scheduler.play()

    def outcomes(self) -> dict[int, str]:
        """Return the outcome of each session; each was told once."""
        told = {record.session: record.outcome for record in self.memory.sessions}
        assert len(told) == len(self.memory.sessions)
        assert self.scheduler.open_sessions == 0
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
    played = Played(tmp_path, look, several(5))
    played.play()
    assert played.outcomes() == dict.fromkeys(range(5), "completed")
    assert {record.reason for record in played.memory.sessions} == {None}
    assert (played.client.closed, played.scheduler.counts) == (5, {"started": 5, "completed": 5})
    assert sorted(record.session for record in played.memory.steps) == list(range(5))


def test_a_session_is_scheduled_at_its_arrival_and_never_started_before(tmp_path: Path) -> None:
    played = Played(tmp_path, do_nothing, several(4, every_s=0.01), starts_in_s=0.02)
    played.play()
    for record in played.memory.sessions:
        assert record.scheduled_at == played.started_at + record.session * SECOND // 100
        assert record.scheduled_at <= record.started_at <= record.ended_at
        assert record.late_s == pytest.approx((record.started_at - record.scheduled_at) / 1e9)


def test_a_late_start_runs_and_says_how_late(tmp_path: Path) -> None:
    played = Played(tmp_path, do_nothing, several(2), starts_in_s=-5)
    played.play()
    assert played.outcomes() == {0: "completed", 1: "completed"}
    assert min(record.late_s for record in played.memory.sessions) >= 4.9


def test_a_slow_shop_delays_no_arrival(tmp_path: Path) -> None:
    played = Played(tmp_path, wait_for_ever, several(10), lasts_s=0.2)
    played.play()
    assert played.scheduler.peak_open == 10
    assert max(record.started_at for record in played.memory.sessions) <= played.started_at + SECOND // 5


def test_a_visit_that_meets_an_error_has_failed_with_its_reason(tmp_path: Path) -> None:
    def visit(_: Session) -> None:
        raise SessionFailedError("checkout: http_5xx")

    played = Played(tmp_path, visit, several(2))
    played.play()
    assert played.outcomes() == {0: "failed", 1: "failed"}
    assert {record.reason for record in played.memory.sessions} == {"checkout: http_5xx"}
    assert not played.worker.hooks.failures


def test_a_journey_s_own_mistake_is_counted_as_a_hook_s_failure(tmp_path: Path) -> None:
    def visit(session: Session) -> None:
        if session.arrival.number:
            raise RuntimeError("a slip")

    played = Played(tmp_path, visit, several(3))
    played.play()
    assert played.outcomes() == {0: "completed", 1: "failed", 2: "failed"}
    assert played.worker.hooks.failures == {("journey", "RuntimeError('a slip')"): 2}
    assert [record.reason for record in played.memory.sessions] == [None, *["journey: RuntimeError('a slip')"] * 2]


@pytest.mark.parametrize("broken", ["new_client", "close"])
def test_a_client_that_breaks_loses_no_session(tmp_path: Path, broken: str) -> None:
    def fail() -> None:
        raise OSError("no more files")

    played = Played(tmp_path, do_nothing, several(2))
    setattr(played.client, "close", fail)  # noqa: B010 - a method of one object
    if broken == "new_client":
        object.__setattr__(played.worker, "new_client", fail)
    played.play()
    assert played.outcomes() == {0: "failed", 1: "failed"}
    assert played.worker.hooks.failures == {("journey", "OSError('no more files')"): 2}


def test_a_visit_ended_by_force_is_not_completed(tmp_path: Path) -> None:
    def visit(_: Session) -> None:
        raise gevent.Timeout(0)

    played = Played(tmp_path, visit, several(1))
    played.play()
    assert played.outcomes() == {0: "failed"}
    assert played.memory.sessions[0].reason == "ended by force"


def test_an_arrival_over_the_ceiling_is_dropped_with_its_reason(tmp_path: Path) -> None:
    played = Played(tmp_path, wait_for_ever, several(5), lasts_s=0.1, max_open=2)
    played.play()
    assert played.outcomes() == {0: "cut_off", 1: "cut_off", 2: "dropped", 3: "dropped", 4: "dropped"}
    dropped = [record for record in played.memory.sessions if record.outcome == "dropped"]
    assert {(record.reason, record.started_at) for record in dropped} == {("open_sessions", 0)}
    assert (played.scheduler.peak_open, played.scheduler.counts["dropped"]) == (2, 3)


def test_a_session_that_ended_makes_room_for_the_next(tmp_path: Path) -> None:
    played = Played(tmp_path, do_nothing, several(6, every_s=0.05), max_open=1)
    played.play()
    assert played.outcomes() == dict.fromkeys(range(6), "completed")


def test_the_end_of_the_drain_cuts_off_what_is_under_way(tmp_path: Path) -> None:
    def visit(session: Session) -> None:
        if session.arrival.number % 2:
            wait_for_ever(session)

    played = Played(tmp_path, visit, several(4), lasts_s=0.1)
    played.play()
    assert played.outcomes() == {0: "completed", 1: "cut_off", 2: "completed", 3: "cut_off"}
    assert played.worker.clock.now() >= played.started_at + SECOND // 10
    assert {r.reason for r in played.memory.sessions} == {None}


def test_a_run_whose_sessions_have_all_ended_does_not_wait_for_the_drain(tmp_path: Path) -> None:
    played = Played(tmp_path, do_nothing, several(3), lasts_s=FOREVER_S)
    played.play()
    assert played.outcomes() == dict.fromkeys(range(3), "completed")


def stopping(played: Played, number: int) -> Visit:
    """Return a visit that stops the run in session `number` and then waits for ever, as all others do."""

    def visit(session: Session) -> None:
        if session.arrival.number == number:
            played.scheduler.stop()
        wait_for_ever(session)

    return visit


def test_a_stop_starts_nothing_more_and_cuts_off_the_rest(tmp_path: Path) -> None:
    played = Played(tmp_path, do_nothing, [*several(3), arrival(number=3, at_s=FOREVER_S / 2)])
    played.scheduler._visit = stopping(played, 2)
    played.play()
    assert played.outcomes() == {0: "cut_off", 1: "cut_off", 2: "cut_off"}


def test_a_stop_in_the_drain_ends_it(tmp_path: Path) -> None:
    played = Played(tmp_path, do_nothing, several(2))
    played.scheduler._visit = stopping(played, 1)
    played.play()
    assert played.outcomes() == {0: "cut_off", 1: "cut_off"}


def test_a_stop_before_the_start_starts_nothing(tmp_path: Path) -> None:
    played = Played(tmp_path, do_nothing, several(3))
    played.scheduler.stop()
    played.play()
    assert played.outcomes() == {}


def test_a_scheduler_says_which_arrival_it_had_not_come_to(tmp_path: Path) -> None:
    played = Played(tmp_path, do_nothing, [*several(3), arrival(number=7, at_s=FOREVER_S / 2)])
    assert played.scheduler.next_arrival == 0
    played.scheduler._visit = stopping(played, 2)
    played.play()
    assert played.scheduler.next_arrival == 7


def test_a_scheduler_that_came_to_the_end_has_no_next_arrival(tmp_path: Path) -> None:
    played = Played(tmp_path, do_nothing, several(3))
    played.play()
    assert played.scheduler.next_arrival is None
    assert Played(tmp_path, do_nothing, []).scheduler.next_arrival is None


def revising(played: Played, number: int, arrivals: Sequence[Arrival], kept: int, struck: list[int]) -> Visit:
    """Return a visit that, in session `number`, has the scheduler play other arrivals, and stops it in the last."""

    def visit(session: Session) -> None:
        if session.arrival.number == number:
            struck.append(played.scheduler.revise(arrivals, kept))
        if session.arrival.number == arrivals[-1].number:
            played.scheduler.stop()

    return visit


def test_a_revision_strikes_what_has_not_come_and_plays_what_takes_its_place(tmp_path: Path) -> None:
    played = Played(tmp_path, do_nothing, [*several(3), arrival(number=3, at_s=FOREVER_S / 2)])
    struck: list[int] = []
    new = [*several(3), arrival(number=4, at_s=0.02), arrival(number=5, at_s=0.03)]
    played.scheduler._visit = revising(played, 2, new, 3, struck)
    played.play()
    assert played.outcomes() == dict.fromkeys([0, 1, 2, 4, 5], "completed")
    assert struck == [0]
    assert played.scheduler.next_arrival is None


def test_a_revision_heard_too_late_says_how_many_struck_sessions_had_been_started(tmp_path: Path) -> None:
    played = Played(tmp_path, do_nothing, several(4), starts_in_s=-1, open_for_s=FOREVER_S)
    struck: list[int] = []
    new = [*several(1), arrival(number=4, at_s=0.001), arrival(number=5, at_s=0.002)]
    played.scheduler._visit = revising(played, 0, new, 1, struck)
    played.play()
    assert struck == [3]
    assert played.outcomes() == dict.fromkeys([0, 1, 2, 3, 4, 5], "completed")


def test_a_paused_scheduler_waits_for_more_until_nobody_can_arrive(tmp_path: Path) -> None:
    played = Played(tmp_path, do_nothing, several(2), open_for_s=FOREVER_S)
    playing = gevent.spawn(played.play)
    gevent.spawn(lambda: None).join()
    while played.scheduler.next_arrival is not None or played.scheduler.open_sessions:
        gevent.sleep(0.001)
    assert not playing.ready()
    assert played.scheduler.revise([*several(2), arrival(number=2, at_s=0.0)], 2) == 0
    while len(played.memory.sessions) < 3:
        gevent.sleep(0.001)
    assert not playing.ready()
    played.scheduler.stop()
    playing.join(30)
    assert playing.ready()
    assert played.outcomes() == dict.fromkeys(range(3), "completed")


def test_when_nobody_can_arrive_any_more_it_is_over(tmp_path: Path) -> None:
    played = Played(tmp_path, do_nothing, [], open_for_s=0.05)
    played.play()
    assert played.worker.clock.now() >= played.started_at + SECOND // 20


def test_a_session_that_had_not_run_a_line_is_cut_off_too(tmp_path: Path) -> None:
    played = Played(tmp_path, do_nothing, several(3, every_s=0), starts_in_s=-1)
    for one in several(3):
        played.scheduler._start(one)
    played.scheduler.cut_off()
    assert played.outcomes() == dict.fromkeys(range(3), "cut_off")


def test_a_session_that_will_not_die_holds_the_end_up_no_longer_than_the_grace(tmp_path: Path) -> None:
    released = Event()

    def visit(_: Session) -> None:
        while not released.is_set():
            try:
                released.wait()
            except gevent.GreenletExit:
                continue

    played = Played(tmp_path, visit, several(1), lasts_s=0.05)
    played.play()
    assert played.outcomes() == {0: "cut_off"}
    released.set()
    gevent.sleep(0.01)
    assert played.outcomes() == {0: "cut_off"}


def test_cutting_off_again_does_nothing(tmp_path: Path) -> None:
    played = Played(tmp_path, wait_for_ever, several(2), lasts_s=0.05)
    played.play()
    played.scheduler.cut_off()
    assert played.outcomes() == {0: "cut_off", 1: "cut_off"}


def test_a_scheduler_that_is_killed_cuts_off_what_is_under_way(tmp_path: Path) -> None:
    under_way = Event()

    def visit(session: Session) -> None:
        under_way.set()
        wait_for_ever(session)

    played = Played(tmp_path, visit, several(1))
    greenlet = gevent.spawn(played.scheduler.play)
    assert under_way.wait(10)
    greenlet.kill(timeout=30)
    assert played.outcomes() == {0: "cut_off"}


def test_a_listener_that_fails_loses_no_outcome(tmp_path: Path) -> None:
    played = Played(tmp_path, do_nothing, several(2))

    class Broken(Memory):
        def session_ended(self, record: SessionRecord) -> None:
            raise ValueError("full") if record.session >= 0 else AssertionError

    played.worker.hooks._listeners = (Broken(), played.memory)
    played.play()
    assert played.outcomes() == {0: "completed", 1: "completed"}
    assert played.worker.hooks.failures == {("Broken", "ValueError('full')"): 2}


@pytest.mark.parametrize(("status", "reason"), [(409, "data_exhausted"), (402, None)])
def test_a_buyer_whose_order_is_refused_for_want_of_stock_could_not_buy_and_one_whose_card_is_could(
    tmp_path: Path, status: int, reason: str | None
) -> None:
    played = Played(tmp_path, lambda session: STOREFRONT.play(session, Given()), several(1))
    played.client.answer = TalkingShop(replies={"checkout": ok({"error": "told"}, status)})
    played.play()
    (record,) = played.memory.sessions
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
    played = Played(tmp_path, lambda session: STOREFRONT.play(session, Given()), [arrival(journey=journey)])
    played.client.answer = TalkingShop(stock=stock)
    played.play()
    (record,) = played.memory.sessions
    assert (record.outcome, record.reason) == ("completed", reason)
    assert (journey in BUYERS) == (journey != "window-shop")
