"""Accounts and test data in a run that is played: given out, given back, counted, and kept out of every file."""

import gc
import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import gevent
import pyarrow.parquet as pq
import pytest
from gevent.event import Event

from loadtests.client.interface import Reply, Request
from loadtests.demand.arrivals import Arrival
from loadtests.environment.data_files import read_data
from loadtests.environment.data_targets import DataTargets
from loadtests.results.account import read_sessions
from loadtests.results.ledger import read_ledgers
from loadtests.results.run_directory import RunDirectory, read_tables
from loadtests.results.schemas import REQUESTS
from loadtests.results.worker_status import read_workers
from loadtests.runtime.clock import Clock
from loadtests.shopper.data_pools import DataPools
from loadtests.shopper.session import Session
from loadtests.storefronts.journey import journey
from loadtests.storefronts.shop import Given, Shop
from loadtests.storefronts.storefront import Storefront
from loadtests.worker.job import read_job, write_job
from loadtests.worker.scheduler import Scheduler, WorkerSchedule
from loadtests.worker.worker import Worker
from slo.documents import BadInput
from tests.loadtests.fake_shop import FakeShop, running
from tests.loadtests.fakes import SECOND, FakeClient, Memory, arrival, ok, worker
from tests.loadtests.prepared import prepared_run

CODE = "canary-coupon/9+1"


class LoginShop(FakeShop):
    """A shop with a login that repeats, in every answer, all it was told; `in_use` are the users now logged in."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        super().__init__(host)
        self.told: list[tuple[str, Any]] = []
        self.in_use: Counter[str] = Counter()
        self.most_at_once = 0
        self.locks: set[str] = set()
        self.guard = threading.Lock()

    def _reply(self, _: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, bytes, str]:
        with self.guard:
            self.told.append((path, body))
            if path == "/login":
                if body["user"] in self.locks:
                    return 423, json.dumps({"error": "locked", **body}).encode(), "s"
                self.in_use[body["user"]] += 1
                self.most_at_once = max(self.most_at_once, *self.in_use.values())
            if path == "/logout":
                self.in_use[body["user"]] -= 1
        if path == "/wrong":
            return 500, json.dumps({"error": f"no such customer: {body}", "seen": headers}).encode(), "s"
        order = f"order of {body['user']}" if path == "/order" else ""
        return 200, json.dumps({"you": body, "order": {"id": order}}).encode(), "s"


class Customers(Shop):
    """Customers who consent, register or log in, redeem a coupon, order, and look at what fails."""

    def begin(self) -> None:
        self.post("consent", "/consent", {"choice": "all"})

    @journey(buys=True)
    def buy(self) -> None:
        if self.account is None:
            return
        told = dict(self.account)
        if self.account.is_new:
            self.post("register", "/register", told)
        self.post("login", "/login", told, refused={"account_locked": 423})
        self.think()
        coupon = self.data("coupons")
        self.post("coupon", "/coupon", dict(coupon))
        with self.order([self.line("tee")], 100) as order:
            done = self.post("checkout", "/order", told)
            order.accepted(done["order.id"])
        self.post("logout", "/logout", told)
        if self.session % 4 == 1:
            raise RuntimeError(f"lost {told} and {coupon['code']}")
        if self.session % 4 == 2:
            self.post("wrong", "/wrong", {**told, **dict(coupon)})


STOREFRONT = Storefront.of("customers", Customers)
USERS = [f"canary{n}@example.com" for n in range(12)]


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoginShop]:
    monkeypatch.setattr("tests.loadtests.fake_shop.FakeShop", LoginShop)
    with running() as one:
        assert isinstance(one, LoginShop)
        yield one
    gc.collect()


def declared(folder: Path, users: int = 12, **accounts: object) -> dict[str, Any]:
    rows = "".join(f"{user},canary-pw {n}!,canary street {n}\n" for n, user in enumerate(USERS[:users]))
    (folder / "accounts.csv").write_text(f"user,password,street\n{rows}")
    (folder / "coupons.csv").write_text(f"code\n{CODE}\n")
    return {
        "accounts": {"file": str(folder / "accounts.csv"), **accounts},
        "data": {"coupons": {"file": str(folder / "coupons.csv")}},
    }


def prepared(folder: Path, shop: FakeShop, own: Mapping[str, Any], **plan: Any) -> RunDirectory:
    return prepared_run(folder, shop.url, declared=own, journeys={"buy": 1.0}, **plan)


def play(directory: RunDirectory, workers: int = 1) -> None:
    job = read_job(directory.path, storefront=STOREFRONT)
    started_at = Clock.start().now()
    with gevent.Timeout(60):
        all_workers = [Worker(job, index, workers, started_at) for index in range(workers)]
        gevent.joinall([gevent.spawn(one.play) for one in all_workers], raise_error=True)


@pytest.mark.parametrize("workers", [1, 2])
def test_no_account_is_in_two_sessions_at_once_over_all_workers(tmp_path: Path, shop: LoginShop, workers: int) -> None:
    directory = prepared(tmp_path, shop, declared(tmp_path))
    play(directory, workers)
    users = {body["user"] for path, body in shop.told if path == "/login"}
    assert (shop.most_at_once, len(users) > 3) == (1, True)
    status = read_workers(directory)
    assert sum((one.data_pools or {})["accounts"].given for one in status) == read_sessions(directory).num_rows
    assert sum((one.data_pools or {})["accounts"].rows for one in status) == 12


def test_consent_is_given_once_a_session_and_is_a_step(tmp_path: Path, shop: LoginShop) -> None:
    directory = prepared(tmp_path, shop, declared(tmp_path, share={"guest": 1.0}))
    play(directory)
    steps = Counter(read_tables(directory.parts("requests"), REQUESTS)["step"].to_pylist())
    assert steps == {"consent": read_sessions(directory).num_rows}


def test_new_customers_register_each_with_data_of_their_own(tmp_path: Path, shop: LoginShop) -> None:
    directory = prepared(tmp_path, shop, declared(tmp_path, share={"new": 1.0}))
    play(directory)
    made = [body["email"] for path, body in shop.told if path == "/register"]
    assert len(made) == len(set(made)) == read_sessions(directory).num_rows > 3


def test_a_session_without_an_account_is_dropped_with_nothing_sent(tmp_path: Path, shop: LoginShop) -> None:
    directory = prepared(tmp_path, shop, declared(tmp_path, users=1), think_time={"quantiles_s": [5, 5]})
    play(directory)
    rows = read_sessions(directory).to_pylist()
    dropped = [row for row in rows if row["outcome"] == "dropped"]
    assert {(row["reason"], row["started_at"]) for row in dropped} == {("no_account", 0)}
    asked = set(read_tables(directory.parts("requests"), REQUESTS)["session"].to_pylist())
    assert asked.isdisjoint(row["session"] for row in dropped)
    (status,) = read_workers(directory)
    pool = (status.data_pools or {})["accounts"]
    assert (pool.given, pool.lacked) == (len(rows) - len(dropped), len(dropped))
    assert (pool.given, pool.in_use_peak) == (1, 1)
    assert pool.short_peak >= 1


def test_an_account_that_the_shop_locks_is_in_no_session_from_then_on(tmp_path: Path, shop: LoginShop) -> None:
    shop.locks |= set(USERS[:2])
    directory = prepared(tmp_path, shop, declared(tmp_path, users=4))
    play(directory)
    logins = Counter(body["user"] for path, body in shop.told if path == "/login")
    assert [logins[user] for user in USERS[:2]] == [1, 1]
    reasons = Counter(read_sessions(directory)["reason"].to_pylist())
    (status,) = read_workers(directory)
    assert (reasons["account_locked"], (status.data_pools or {})["accounts"].locked) == (2, 2)


def everything(directory: RunDirectory) -> Iterator[tuple[str, str]]:
    for path in sorted(directory.path.rglob("*")):
        if path.is_file():
            yield path.name, path.read_bytes().decode("latin-1")
            if path.suffix == ".parquet":
                yield f"{path.name}, read", json.dumps(pq.read_table(path).to_pylist())


def test_no_user_password_street_or_coupon_is_in_the_run_directory_or_a_log(
    tmp_path: Path, shop: LoginShop, capfd: pytest.CaptureFixture[str]
) -> None:
    own = declared(tmp_path, share={"new": 0.5, "returning": 0.5})
    directory = prepared(tmp_path / "run", shop, own)
    play(directory)
    told = capfd.readouterr()
    bodies = [body for path, body in shop.told if path == "/register"]
    assert bodies
    secrets = {value for body in bodies for value in body.values() if len(value) > 5}
    forbidden = [*secrets, "canary", *(one.encode("utf-16").decode("latin-1") for one in secrets)]
    texts = dict(everything(directory))
    assert any("journey" in text and "RuntimeError" in text for text in texts.values())
    accepted = [attempt for attempt in read_ledgers(directory.ledgers()) if attempt.outcome == "accepted"]
    assert accepted
    assert all("*" in str(attempt.order_id) for attempt in accepted)
    texts |= {"stdout": told.out, "stderr": told.err}
    assert [(where, one) for where, text in texts.items() for one in forbidden if one in text] == []


class Alone:
    """One scheduler with pools of its own over a fake client, and the storefront's class."""

    def __init__(self, folder: Path, shop: type[Shop], arrivals: list[Arrival], users: int = 1) -> None:
        self.memory, self.replies = Memory(), {"wrong": Reply(status=500, body=b"?", error="http_5xx")}
        targets = DataTargets.model_validate(declared(folder, users))
        context = worker(folder, FakeClient(self._answer), memory=self.memory)
        self.pools = DataPools(targets, read_data(targets), "run", (0, 1), context.clock.now)
        self.seen: list[tuple[Request, Reply, str]] = []
        self.context = replace(context, pools=self.pools, unexpected=lambda _, *one: self.seen.append(one))
        storefront = Storefront.of("mine", shop)
        now = context.clock.now()
        own = WorkerSchedule(arrivals=arrivals, started_at=now, ends_at=now + 60 * SECOND, max_open=100)

        def visit(session: Session) -> None:
            storefront.play(session, Given())

        self.scheduler = Scheduler(self.context, own, visit)

    def _answer(self, request: Request) -> Reply:
        reply = self.replies.get(request.step, ok(request.body))
        body = json.dumps(request.body).encode()
        return reply._replace(body=reply.body + body) if reply.error else reply._replace(body=body)

    def play(self) -> list[tuple[str, str | None]]:
        with gevent.Timeout(30):
            self.scheduler.play()
        return [(one.outcome, one.reason) for one in self.memory.sessions]


def one_after_the_other(count: int) -> list[Arrival]:
    return [arrival(number, at_s=number * 0.05, journey="visit", seed=number) for number in range(count)]


def test_an_account_comes_back_however_its_session_ends(tmp_path: Path) -> None:
    class Endings(Shop):
        @journey
        def visit(self) -> None:
            assert self.account is not None
            if self.session == 0:
                self.get("wrong", "/")
            if self.session == 1:
                raise RuntimeError("a mistake")
            if self.session == 2:
                gevent.kill(gevent.getcurrent())
                Event().wait()
            if self.session == 3:
                self.data("coupon")

    alone = Alone(tmp_path, Endings, one_after_the_other(5))
    ended = alone.play()
    assert [outcome for outcome, _ in ended] == ["failed", "failed", "cut_off", "failed", "completed"]
    unknown = "targets.yaml declares no data 'coupon'; it declares: coupons"
    assert ended[3][1] == f'journey: UnknownPoolError("{unknown}")'
    assert (alone.pools.pools["accounts"].given, alone.pools.pools["accounts"]._in_use) == (5, {})


def test_an_account_comes_back_from_sessions_that_the_end_of_the_run_cuts_off(tmp_path: Path) -> None:
    class Waits(Shop):
        @journey
        def visit(self) -> None:
            Event().wait()

    alone = Alone(tmp_path, Waits, one_after_the_other(3), users=3)
    gevent.spawn_later(0.3, alone.scheduler.stop)
    assert alone.play() == [("cut_off", None)] * 3
    assert (alone.pools.pools["accounts"].given, alone.pools.pools["accounts"]._in_use) == (3, {})
    assert alone.pools.account(0) is None


def test_an_account_comes_back_from_a_session_that_was_cut_off_before_its_first_line(tmp_path: Path) -> None:
    class Never(Shop):
        @journey
        def visit(self) -> None:
            raise AssertionError("it was cut off before")

    alone = Alone(tmp_path, Never, [])
    alone.scheduler._start(arrival(0, journey="visit"))
    assert len(alone.pools.pools["accounts"]._in_use) == 1
    alone.scheduler.cut_off()
    assert [one.outcome for one in alone.memory.sessions] == ["cut_off"]
    assert alone.pools.pools["accounts"]._in_use == {}


def test_a_session_whose_pool_is_used_up_ends_as_dropped(tmp_path: Path) -> None:
    class Greedy(Shop):
        @journey
        def visit(self) -> None:
            self.get("home", "/")
            self.data("coupons")

    alone = Alone(tmp_path, Greedy, one_after_the_other(2))
    alone.pools.pools["coupons"].lock(0)
    assert alone.play() == [("dropped", "no_data")] * 2
    assert [step.step for step in alone.memory.steps] == ["home", "home"]


def test_a_reply_that_is_kept_holds_nothing_of_the_account(tmp_path: Path) -> None:
    class Looks(Shop):
        @journey
        def visit(self) -> None:
            assert self.account is not None
            told = dict(self.account)
            page = self.post("home", f"/?me={self.account.user}", {"a": [told]}, headers={"X-Me": self.account.user})
            page.wrong(f"not {self.account.user} with {self.account.password}")

    class Fails(Shop):
        @journey
        def visit(self) -> None:
            assert self.account is not None
            self.post("wrong", "/", form={"login": self.account.user, "n": "1"})

    for shop, kept in ((Looks, "{'a': [{'user': '*"), (Fails, "('login', '*")):
        alone = Alone(tmp_path, shop, one_after_the_other(1))
        alone.play()
        ((request, reply, why),) = alone.seen
        assert kept in repr((request, reply, why))
        assert "canary" not in repr((request, reply, why))
        assert request.step in ("home", "wrong")


def test_names_for_the_records_may_hold_nothing_of_the_account(tmp_path: Path) -> None:
    class Step(Shop):
        @journey
        def visit(self) -> None:
            assert self.account is not None
            self.get(f"page-of-{self.account.user}", "/")

    class Key(Shop):
        @journey
        def visit(self) -> None:
            assert self.account is not None
            with self.order([self.line("tee")], 1, key=self.account.user):
                pass

    for shop in (Step, Key):
        alone = Alone(tmp_path, shop, one_after_the_other(1))
        ((outcome, reason),) = alone.play()
        assert outcome == "failed"
        assert reason == (
            "journey: PersonalDataError(\"a step's name or an order's key holds what an account or a pool gave\")"
        )
        assert alone.memory.steps == []


def test_without_accounts_and_data_nobody_has_one(tmp_path: Path, shop: LoginShop) -> None:
    class Asks(Shop):
        @journey
        def visit(self) -> None:
            assert self.account is None
            assert self._session.own.masks() == ()
            self.data("coupons")

    directory = prepared_run(tmp_path, shop.url, journeys={"visit": 1.0})
    job = read_job(directory.path, storefront=Storefront.of("mine", Asks))
    Worker(job, 0, 1, Clock.start().now()).play()
    (status,) = read_workers(directory)
    assert status.data_pools == {}
    assert [one["error"] for one in status.hook_failures] == [
        "UnknownPoolError(\"targets.yaml declares no data 'coupons': it declares none\")"
    ]


def test_a_worker_whose_file_is_another_refuses_before_it_plays(tmp_path: Path) -> None:
    own = declared(tmp_path)
    directory = prepared_run(tmp_path, "http://127.0.0.1:1", declared=own)
    path = tmp_path / "accounts.csv"
    kept = path.read_text()
    job = read_job(directory.path).with_data()
    assert job.with_data() is job
    path.write_text(kept + "dora@example.com,x,y\n")
    with pytest.raises(BadInput) as other:
        read_job(directory.path).with_data()
    assert str(other.value) == (
        f"{path}: isn't the file that the run was started with: copy it from there (rows here: 13, there: 12)"
    )
    path.unlink()
    with pytest.raises(BadInput) as missing:
        read_job(directory.path).with_data()
    assert str(missing.value) == (
        f"{path}: can't be read: No such file or directory; a worker reads it at the path that it has on the machine"
        " where the run is started"
    )


def test_what_a_run_keeps_of_a_file_is_its_rows_and_no_plain_digest(tmp_path: Path) -> None:
    directory = prepared_run(tmp_path, "http://127.0.0.1:1", declared=declared(tmp_path))
    first = json.loads(directory.job.read_text())["data_files"]
    assert {name: one["rows"] for name, one in first.items()} == {"accounts": 12, "coupons": 1}
    write_job(directory, None, "0.1.0")
    assert json.loads(directory.job.read_text())["data_files"] == first
