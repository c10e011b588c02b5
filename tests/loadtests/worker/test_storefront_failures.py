"""A storefront that fails ends the run when that is the file's mistake; what may be the shop's stays a bad event."""

import gc
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from loadtests.client.interface import Request
from loadtests.environment.ceilings import CeilingReachedError
from loadtests.results.error_samples import read_samples
from loadtests.results.records import SessionRecord
from loadtests.results.run_directory import RunDirectory, read_tables
from loadtests.results.schemas import SESSIONS
from loadtests.results.worker_status import read_workers
from loadtests.runtime.clock import Clock
from loadtests.shopper.session import Session
from loadtests.shopper.session_errors import SessionFailedError
from loadtests.storefronts import Shop, Storefront
from loadtests.storefronts.failures import file_of
from loadtests.storefronts.journey import journey
from loadtests.worker.job import read_job
from loadtests.worker.storefront_failures import AT_THE_START, LEAST_ENDED, StorefrontFailures
from loadtests.worker.worker import Worker
from tests.loadtests import fake_shop
from tests.loadtests.fake_shop import FakeShop
from tests.loadtests.fakes import FakeClient, arrival, ok, session_record, worker
from tests.loadtests.prepared import prepared_run

HERE = __file__
SECRET = "sk-live-hunter"


class Sessions:
    """Sessions of one journey one after the other, each as `visit` has it, and what they lead to."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "errors" / "storefront-w0.txt"
        self.ended: list[str] = []
        self._visit: Callable[[Session], None] = lambda _: None
        self.failures = StorefrontFailures(self._play, HERE, self.path, self.ended.append, (SECRET,))
        self._context = worker(folder, FakeClient(lambda _: ok({})))

    def play(self, visit: Callable[[Session], None], times: int = 1, journey: str = "buy", **record: Any) -> None:
        for _ in range(times):
            self._visit = visit
            outcome = "completed"
            try:
                self.failures.visit(Session(self._context, arrival(journey=journey), self._context.clock.now()))
            except (SessionFailedError, CeilingReachedError, RuntimeError):
                outcome = "failed"
            self.failures.session_ended(self._record(journey, record.get("outcome", outcome)))

    def _play(self, session: Session) -> None:
        self._visit(session)

    def _record(self, journey: str, outcome: str) -> SessionRecord:
        return session_record(journey=journey, outcome=outcome)


def well(_: Session) -> None:
    """Do nothing."""


def mistaken(_: Session) -> None:
    raise RuntimeError("card 4111111111111111")


def revealing(_: Session) -> None:
    raise RuntimeError("refused " + SECRET)


def shop_fails(_: Session) -> None:
    raise SessionFailedError("home: http_5xx")


def at_the_ceiling(_: Session) -> None:
    raise CeilingReachedError("ceiling_requests")


def unreadable(session: Session) -> None:
    reply = session.step(Request(step="home", method="GET", path="/"))
    try:
        reply.json()["sku"].upper()
    except KeyError as error:
        session.unreadable(error, "KeyError: 'sku'")


def line_of(text: str) -> int:
    return Path(HERE).read_text().splitlines().index(text) + 1


RAISED = line_of('    raise RuntimeError("card 4111111111111111")')
READ = line_of('        reply.json()["sku"].upper()')


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return Sessions(tmp_path)


@pytest.mark.parametrize(
    ("visit", "why"),
    [
        (mistaken, f"the storefront fails buy: {Path(HERE).name}:{RAISED}: RuntimeError: card ***"),
        (unreadable, f"the storefront fails buy: {Path(HERE).name}:{READ}: KeyError: 'sku'"),
    ],
)
def test_the_first_three_failures_of_a_journey_end_the_run_once(
    sessions: Sessions, visit: Callable[[Session], None], why: str
) -> None:
    sessions.play(well, 20, journey="look")
    sessions.play(visit, AT_THE_START - 1)
    assert sessions.ended == []
    sessions.play(visit, 3)
    assert sessions.ended == [why]


def test_a_journey_that_has_gone_well_ends_the_run_only_when_most_of_it_fails(sessions: Sessions) -> None:
    sessions.play(well)
    sessions.play(mistaken, LEAST_ENDED - 2)
    assert sessions.ended == []
    sessions.play(mistaken)
    assert len(sessions.ended) == 1


def test_half_of_a_journey_is_not_most_of_it(sessions: Sessions) -> None:
    for _ in range(20):
        sessions.play(well)
        sessions.play(mistaken)
    assert sessions.ended == []


def test_a_shop_that_goes_bad_does_not_end_the_run(sessions: Sessions) -> None:
    """What can't be read in a journey that has gone well is the shop's, and judged."""
    sessions.play(well)
    sessions.play(unreadable, 100)
    assert sessions.ended == []
    (found,) = sessions.failures.found()
    assert (found.place, found.error, found.unreadable, found.count) == (
        f"{Path(HERE).name}:{READ}",
        "KeyError",
        True,
        100,
    )


@pytest.mark.parametrize("visit", [shop_fails, at_the_ceiling])
def test_what_the_shop_or_a_ceiling_ends_is_no_failure_of_the_storefront(
    sessions: Sessions, visit: Callable[[Session], None]
) -> None:
    sessions.play(visit, 50)
    assert (sessions.ended, sessions.failures.found(), sessions.path.exists()) == ([], [], False)


def test_sessions_that_were_dropped_make_no_journey_of_mistakes_look_better(sessions: Sessions) -> None:
    sessions.play(well)
    sessions.play(mistaken, 5)
    sessions.play(well, 30, outcome="dropped")
    sessions.play(mistaken, 5)
    assert len(sessions.ended) == 1


def test_a_secret_of_the_environment_s_is_in_no_message(sessions: Sessions) -> None:
    sessions.play(revealing, AT_THE_START)
    assert sessions.ended[0].endswith(": RuntimeError: refused ***")
    assert "RuntimeError: refused ***" in sessions.path.read_text()


def test_the_first_traceback_of_each_line_is_kept_with_the_file_s_own_lines_alone(sessions: Sessions) -> None:
    sessions.play(mistaken, 5)
    text = sessions.path.read_text()
    head, *_, at, source, error, end, last = text.split("\n")
    assert (head, at) == ("buy, session 0:", f"{HERE}:{RAISED}, in mistaken")
    assert source == '    raise RuntimeError("card 4111111111111111")'
    assert (error, end, last) == ("RuntimeError: card ***", "", "")
    assert "storefront_failures.py" not in text.replace(Path(HERE).name, "")


@pytest.fixture
def shop() -> Iterator[FakeShop]:
    with fake_shop.running() as one:
        yield one
    gc.collect()


class Mistaken(Shop):
    @journey
    def window_shop(self) -> None:
        self.get("home", "/")
        raise RuntimeError("in mid visit")


class Revealing(Shop):
    @journey
    def window_shop(self) -> None:
        key = self.settings["key"]
        self.get("home", "/")
        raise RuntimeError(f"no product for {key}")


class Misread(Shop):
    @journey
    def window_shop(self) -> None:
        self.get("home", "/").wrong("cart.id of jo@shop.example: not there")


def played(directory: RunDirectory, shop: type[Shop]) -> tuple[Worker, list[str]]:
    told: list[str] = []
    one = Worker(read_job(directory.path, storefront=Storefront.of("mine", shop)), 0, 1, Clock.start().now())
    one.on_failure = told.append
    with gevent.Timeout(60):
        gevent.spawn(one.play).join()
    return one, told


def test_a_worker_whose_storefront_fails_ends_its_part_and_tells_its_master(tmp_path: Path, shop: FakeShop) -> None:
    directory = prepared_run(tmp_path, shop.url, journeys={"window-shop": 1.0})
    one, told = played(directory, Mistaken)
    (status,) = read_workers(directory)
    assert (one.ended, status.ended) == ("failed", "failed")
    assert told == [status.because]
    assert str(status.because).endswith(": RuntimeError: in mid visit")
    assert [(item.error, item.unreadable) for item in status.storefront_failures] == [("RuntimeError", False)]
    assert sum(failure["count"] for failure in status.hook_failures) == status.storefront_failures[0].count
    assert directory.storefront_failures("w0").read_text().startswith("window-shop, session ")
    assert not directory.hang("w0").exists()


def test_a_secret_of_the_storefront_s_settings_is_in_nothing_that_a_worker_writes(
    tmp_path: Path, shop: FakeShop
) -> None:
    own = {"file": HERE, "settings": {"key": {"env": "MINE_KEY"}}}
    directory = prepared_run(tmp_path, shop.url, journeys={"window-shop": 1.0}, declared={"storefront": own})
    job = read_job(directory.path, {"MINE_KEY": SECRET}, Storefront.of("mine", Revealing))
    one = Worker(job, 0, 1, Clock.start().now())
    told: list[str] = []
    one.on_failure = told.append
    with gevent.Timeout(60):
        gevent.spawn(one.play).join()
    assert told[0].endswith(": RuntimeError: no product for ***")
    reasons = read_tables(directory.parts("sessions"), SESSIONS)["reason"].to_pylist()
    assert set(filter(None, reasons)) == {"journey: RuntimeError('no product for ***')"}
    written = [path for path in directory.path.rglob("*") if path.is_file()]
    assert [path.name for path in written if SECRET.encode() in path.read_bytes()] == []


def test_a_worker_keeps_the_first_wrong_replies_without_secrets(tmp_path: Path, shop: FakeShop) -> None:
    directory = prepared_run(tmp_path, shop.url, journeys={"window-shop": 1.0})
    one, _ = played(directory, Misread)
    samples = read_samples(directory)
    assert one.ended == "completed"
    assert len(samples) == 5  # the first of a step
    first = samples[0]
    assert (first.step, first.journey, first.path, first.status) == ("home", "window-shop", "/", 200)
    assert (first.error, first.why) == ("wrong_reply", "cart.id of ***: not there")
    assert "recommended" in json.loads(first.body)


def test_the_file_of_a_storefront_is_where_its_methods_stand() -> None:
    assert file_of(Mistaken) == HERE
    assert file_of(type("Empty", (), {})) == ""
