"""A worker leaves in the run directory everything that it did, whichever way it ends."""

import contextlib
import gc
import json
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from loadtests.demand.arrivals import revised, schedule
from loadtests.demand.revision import Revision
from loadtests.live.objectives import watches_of
from loadtests.results.account import make_account, read_sessions
from loadtests.results.ledger import read_ledgers
from loadtests.results.run_directory import RunDirectory, read_tables
from loadtests.results.schemas import REQUESTS
from loadtests.results.worker_status import read_workers
from loadtests.runtime.clock import Clock
from loadtests.storefronts import Shop, Storefront
from loadtests.storefronts.journey import journey
from loadtests.worker.job import Job, read_job, write_job
from loadtests.worker.worker import Worker
from slo.documents import BadInput
from tests.loadtests import fake_shop
from tests.loadtests.certificates import Authority
from tests.loadtests.fake_shop import FakeShop
from tests.loadtests.fakes import SECOND
from tests.loadtests.hostile_server import HostileServer
from tests.loadtests.prepared import prepared_run


@pytest.fixture
def shop() -> Iterator[FakeShop]:
    with fake_shop.running() as one:
        yield one
    gc.collect()


def worker_of(directory: RunDirectory, index: int = 0, workers: int = 1) -> Worker:
    job = read_job(directory.path)
    return Worker(job, index, workers, Clock.start().now(), watches_of(directory, job.plan))


def play(*all_workers: Worker) -> None:
    with gevent.Timeout(60):
        greenlets = [gevent.spawn(worker.play) for worker in all_workers]
        gevent.joinall(greenlets, raise_error=True)


def has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


def planned(job: Job) -> int:
    return len(schedule(job.plan))


class OnlyHome(Shop):
    @journey
    def window_shop(self) -> None:
        self.get("home", "/")


def test_a_worker_plays_the_storefront_that_it_is_given(tmp_path: Path, shop: FakeShop) -> None:
    directory = prepared_run(tmp_path, shop.url, journeys={"window-shop": 1.0})
    job = read_job(directory.path, storefront=Storefront.of("only-home", OnlyHome))
    play(Worker(job, 0, 1, Clock.start().now()))
    assert Counter(read_tables(directory.parts("requests"), REQUESTS)["step"].to_pylist()) == {"home": planned(job)}


def test_a_played_run_is_all_on_disk(tmp_path: Path, shop: FakeShop) -> None:
    directory = prepared_run(tmp_path, shop.url)
    worker = worker_of(directory)
    play(worker)
    job = read_job(directory.path)
    (told,) = read_workers(directory)
    requests = read_tables(directory.parts("requests"), REQUESTS)
    sessions = read_sessions(directory)
    attempts = read_ledgers(directory.ledgers())
    assert worker.ended == told.ended == "completed"
    assert sorted(sessions["session"].to_pylist()) == list(range(planned(job)))
    assert set(sessions["outcome"].to_pylist()) == {"completed"}
    assert told.requests == requests.num_rows == len(shop.asked)
    assert (told.errors, told.hook_failures, told.lost, told.spans) == (0, [], False, None)
    assert told.parts == {
        "requests": len(directory.parts("requests")),
        "sessions": len(directory.parts("sessions")),
    }
    assert sum(path == "/checkout" for _, path in shop.asked) == len(attempts) > 0
    assert shop.runs == {directory.name}
    assert [path.name for path in directory.path.iterdir() if path.name.startswith(".")] == []


def test_two_workers_play_each_arrival_once(tmp_path: Path, shop: FakeShop) -> None:
    directory = prepared_run(tmp_path, shop.url)
    play(worker_of(directory, 0, 2), worker_of(directory, 1, 2))
    job = read_job(directory.path)
    workers = read_workers(directory)
    assert [worker.name for worker in workers] == ["w0", "w1"]
    assert sum(worker.arrivals for worker in workers) == planned(job)
    account = make_account(schedule(job.plan), read_sessions(directory), workers, workers_expected=2, ran_s=2.0)
    assert (account.completed, account.lost, account.not_due) == (planned(job), {}, 0)


def test_a_stopped_worker_says_who_stopped_it_and_accounts_for_everyone(tmp_path: Path, shop: FakeShop) -> None:
    shop.hangs.set()
    directory = prepared_run(tmp_path, shop.url)
    worker = worker_of(directory)

    def stop_in_mid_run() -> None:
        while len(shop.asked) < 3:
            gevent.sleep(0.01)
        worker.stop("aborted", "checkout-latency will be missed whatever comes")
        worker.stop("stopped", "and again")

    gevent.spawn(stop_in_mid_run)
    play(worker)
    job = read_job(directory.path)
    (told,) = read_workers(directory)
    sessions = read_sessions(directory)
    assert (told.ended, told.because) == ("aborted", "checkout-latency will be missed whatever comes")
    assert set(sessions["outcome"].to_pylist()) == {"cut_off"}
    account = make_account(schedule(job.plan), sessions, (told,), workers_expected=1, ran_s=100.0)
    assert account.cut_off + account.not_due == planned(job)
    assert account.cut_off >= 3
    requests = read_tables(directory.parts("requests"), REQUESTS)
    assert set(requests["error"].to_pylist()) == {"cut_off"}


def test_a_revised_worker_plays_and_tells_the_plan_as_it_became(tmp_path: Path, shop: FakeShop) -> None:
    directory = prepared_run(tmp_path, shop.url)
    worker = worker_of(directory)
    later = Revision(number=1, at_s=0.5, factor=4.0, why="a test")
    assert worker.revise(later) == 0
    play(worker)
    job = read_job(directory.path)
    (told,) = read_workers(directory)
    arrivals = revised(job.plan, [later])
    assert sorted(read_sessions(directory)["session"].to_pylist()) == arrivals.numbers.tolist()
    assert (told.given_out, told.arrivals) == (arrivals.given_out, len(arrivals))
    assert [(one.number, one.struck) for one in told.revisions] == [(1, 0)]
    assert told.revisions[0].heard_at > 0


def test_a_worker_that_hears_too_late_says_what_it_had_started(tmp_path: Path, shop: FakeShop) -> None:
    directory = prepared_run(tmp_path, shop.url)
    worker = worker_of(directory)
    play(worker)
    job = read_job(directory.path)
    late = Revision(number=1, at_s=0.5, factor=0.0, why="a test")
    struck = sum(one.at_s >= 0.5 for one in schedule(job.plan))
    assert worker.revise(late) == struck > 0
    worker.close()
    (told,) = read_workers(directory)
    assert [(one.number, one.struck) for one in told.revisions] == [(1, struck)]
    account = make_account(revised(job.plan, [late]), read_sessions(directory), (told,), workers_expected=1, ran_s=2.0)
    assert (account.planned, account.completed, account.lost) == (planned(job), planned(job), {})


@pytest.mark.parametrize("workers", [1, 2])
def test_sessions_that_share_connections_wait_for_one_and_that_counts(
    tmp_path: Path, shop: FakeShop, workers: int
) -> None:
    shop.answers.clear()
    limits = {"open_sessions": 100, "connections": 3}
    directory = prepared_run(tmp_path, shop.url, limits=limits)
    all_workers = [worker_of(directory, index, workers) for index in range(workers)]
    freed_at: list[int] = []

    def answer_when_some_wait() -> None:
        while sum(worker.take()[1].open_sessions for worker in all_workers) < 6 or len(shop.asked) < 3:
            gevent.sleep(0.01)
        assert (shop.most_connections, len(shop.asked)) == (3, 3)
        freed_at.append(Clock.start().now())
        shop.answers.set()

    answering = gevent.spawn(answer_when_some_wait)
    play(*all_workers)
    answering.get()
    assert shop.most_connections == 3
    assert set(read_sessions(directory)["outcome"].to_pylist()) == {"completed"}
    rows = read_tables(directory.parts("requests"), REQUESTS).to_pylist()
    assert {row["error"] for row in rows} == {None}
    first = [row for row in rows if row["step"] == "home" and row["scheduled_at"] < freed_at[0]]
    assert sum(row["sent_at"] < freed_at[0] for row in first) == 3
    assert len(first) >= 6
    assert max(worker.lag_s["max"] or 0 for worker in read_workers(directory)) > 0
    with gevent.Timeout(20):
        while shop.connections:  # none is left open
            gevent.sleep(0.01)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_shop_is_loaded_by_its_ipv6_address(tmp_path: Path, scheme: str) -> None:
    if not has_ipv6():
        pytest.skip("this machine has no IPv6")
    authority = Authority(tmp_path / "tls") if scheme == "https" else None
    tls = None if authority is None else authority.serve(authority.sign("::1"))
    declared = None if authority is None else {"ca": str(authority.certificate)}
    with fake_shop.running(tls, "::1") as shop:
        url = shop.url.replace("http:", f"{scheme}:")
        worker = worker_of(prepared_run(tmp_path, url, declared=declared))
        play(worker)
    (told,) = read_workers(RunDirectory(path=tmp_path / "20261127T000000Z-small-abcd"))
    assert (told.requests, told.errors) == (len(shop.asked), 0)
    assert {headers["Host"] for headers in shop.headers} == {url.partition("://")[2]}
    gc.collect()


def test_without_a_limit_each_session_has_a_connection_of_its_own(tmp_path: Path, shop: FakeShop) -> None:
    shop.answers.clear()
    worker = worker_of(prepared_run(tmp_path, shop.url))

    def answer_when_many_ask() -> None:
        while len(shop.asked) < 6:
            gevent.sleep(0.01)
        shop.answers.set()

    answering = gevent.spawn(answer_when_many_ask)
    play(worker)
    answering.get()
    assert shop.most_connections >= 6


def test_a_dead_shop_is_told_in_every_session_and_ends_nothing_early(tmp_path: Path) -> None:
    with HostileServer(lambda _, __: False) as server:
        directory = prepared_run(tmp_path, server.url)
        play(worker_of(directory))
    (told,) = read_workers(directory)
    sessions = read_sessions(directory)
    assert told.ended == "completed"
    assert set(sessions["outcome"].to_pylist()) == {"failed"}
    assert set(sessions["reason"].to_pylist()) == {"home: connection"}
    assert told.errors == told.requests == sessions.num_rows
    assert told.hook_failures == []


def test_a_worker_that_was_killed_at_its_start_has_no_last_word(tmp_path: Path, shop: FakeShop) -> None:
    directory = prepared_run(tmp_path, shop.url)
    worker_of(directory)
    (told,) = read_workers(directory)
    assert told.lost
    assert told.ended is None


def test_closing_again_writes_nothing_new(tmp_path: Path, shop: FakeShop) -> None:
    directory = prepared_run(tmp_path, shop.url)
    worker = worker_of(directory)
    play(worker)
    before = sorted(path.name for path in directory.path.iterdir())
    worker.close()
    assert sorted(path.name for path in directory.path.iterdir()) == before
    assert read_workers(directory)[0].ended == "completed"


def test_what_a_worker_tells_in_changes_is_what_it_wrote(tmp_path: Path, shop: FakeShop) -> None:
    directory = prepared_run(tmp_path, shop.url)
    worker = worker_of(directory)
    play(worker)
    change, gauges = worker.take()
    requests = read_tables(directory.parts("requests"), REQUESTS)
    told = {step: sum(count for _, count in packed[1]) for step, packed in change["latency"].items()}
    wrote = requests["step"].to_pylist()
    assert told == {step: wrote.count(step) for step in set(wrote)}
    assert gauges.started_total == read_sessions(directory).num_rows
    assert (gauges.open_sessions, gauges.dropped_total) == (0, 0)
    assert gauges.orders["attempted"] == len(read_ledgers(directory.ledgers()))


def test_a_recorder_that_is_gone_costs_spans_and_nothing_else(tmp_path: Path, shop: FakeShop) -> None:
    directory = prepared_run(tmp_path, shop.url, recorder_url="http://127.0.0.1:1")
    play(worker_of(directory))
    (told,) = read_workers(directory)
    assert told.ended == "completed"
    assert told.spans == {"sent": 0, "dropped": told.requests}
    assert told.hook_failures == []


def test_the_ceiling_of_open_sessions_is_shared_by_the_workers(tmp_path: Path, shop: FakeShop) -> None:
    directory = prepared_run(tmp_path, shop.url, limits={"open_sessions": 40})
    assert worker_of(directory, 0, 4)._scheduler._schedule.max_open == 10
    lower = prepared_run(tmp_path / "b", shop.url, limits={"open_sessions": 60})
    assert worker_of(lower)._scheduler._schedule.max_open == 50
    least = prepared_run(tmp_path / "c", shop.url, limits={"open_sessions": 1})
    assert worker_of(least, 0, 4)._scheduler._schedule.max_open == 1


def test_a_browser_beside_the_load_has_its_share_of_the_ceiling(tmp_path: Path, shop: FakeShop) -> None:
    directory = prepared_run(tmp_path, shop.url, limits={"open_sessions": 60})
    write_job(directory, None, "0.1.0", browser=True)
    job = read_job(directory.path)
    assert (job.ceiling.requests_per_s, job.ceiling.open_sessions, job.ceiling.orders) == (450, 49, 1000)
    worker = worker_of(directory)
    assert worker._scheduler._schedule.max_open == 49
    assert len(worker._context.ceilings._sent) == 450


def test_a_job_says_what_is_planned_when(tmp_path: Path) -> None:
    job = read_job(prepared_run(tmp_path, "http://127.0.0.1:1").path)
    timetable = job.timetable()
    assert timetable.phases == (("warm-up", 0.2), ("plateau", 1.0), ("drain", 41.0))
    assert len(timetable.arrivals_s) == planned(job)
    assert (timetable.rate(0.5), timetable.rate(1.5)) == (10.0, 0.0)
    assert job.judged(1000 * SECOND) == (1000 * SECOND + SECOND // 5, 1001 * SECOND)


def test_a_run_directory_that_was_not_prepared_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refusal:
        read_job(tmp_path)
    assert str(refusal.value).endswith(f"{tmp_path / 'job.json'}: can't be read: No such file or directory")


def test_a_job_of_another_kind_is_refused(tmp_path: Path) -> None:
    directory = prepared_run(tmp_path, "http://127.0.0.1:1")
    path = directory.path / "job.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": "peakproof/job/v2"}))
    with pytest.raises(BadInput) as refusal:
        read_job(directory.path)
    assert str(refusal.value) == f"{path}: format: Input should be 'peakproof/job/v1', found 'peakproof/job/v2'"


def test_a_job_for_two_environments_is_refused(tmp_path: Path) -> None:
    directory = prepared_run(tmp_path, "http://127.0.0.1:1")
    data = json.loads(directory.targets.read_text())
    data["environments"]["production"] = data["environments"]["lab"]
    directory.targets.write_text(json.dumps(data))
    with pytest.raises(BadInput) as refusal:
        read_job(directory.path)
    assert str(refusal.value) == f"{directory.targets}: expected one environment, found lab, production"
