"""A trial plays each journey, tells each step, and names by file and line what ends a session."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.results.ledger import read_ledgers
from loadtests.results.run_directory import RunDirectory, read_tables
from loadtests.results.schemas import REQUESTS
from loadtests.runtime.guarded_child import python
from loadtests.trial.messages import (
    EVENT,
    Accepted,
    Event,
    Failure,
    JourneyEnded,
    OrderSeen,
    SessionBegan,
    SessionEnded,
    StepPlayed,
    TrialJob,
)
from tests.loadtests.prepared import prepared_run
from tests.scripts.world import FakeShop, fake_shop

COMMAND = python("-m", "gevent.monkey", "--module", "loadtests.trial.__main__")
MINE = """\
import time
from peakproof import Shop, journey


class Mine(Shop):
    def headers(self):
        return {"X-Key": "hunter-2-hunter"}

    @journey
    def looks(self):
        print("hello from the file")
        self.get("home", "/api?token=abc")
        self.think()
        self.get("home", "/api?page=2")

    @journey(buys=True)
    def buys(self):
        with self.order([self.line("tee", 2)], 900) as order:
            done = self.post("checkout", "/order", {"key": order.key, "email": "a@b.example"})
            order.accepted(done["id"], cents=900)

    @journey
    def fills(self):
        for number in range(self.random.randint(*self.cart_lines)):
            self.get("basket", f"/api?line={number}")

    @journey(buys=True)
    def declined(self):
        with self.order([self.line("tee", 2)], 900) as order:
            self.post("checkout", "/sold-out", refused={"out_of_stock": 409})

    @journey
    def missing(self):
        self.get("home", "/api")["cart.id"]

    @journey
    def earlier(self):
        first = self.get("home", "/api")
        self.get("again", "/api")
        first["cart.id"]

    @journey
    def broken(self):
        self.get("fails", "/broken")

    @journey
    def raises(self):
        self.get("home", "/api")
        raise RuntimeError("in mid visit")

    @journey
    def reads(self):
        return self.get("home", "/api").json["nope"]

    @journey
    def large(self):
        self.get("page", "/large").select("a")

    @journey
    def huge(self):
        self.get("page", "/huge")

    @journey
    def sleeps(self):
        time.sleep(60)

    @journey
    def swallows(self):
        while True:
            try:
                time.sleep(60)
            except Exception:
                pass

    @journey
    def endless(self):
        while True:
            self.get("home", "/api")

    @journey
    def signs_in(self):
        who = self.account
        if who is None:
            self.get("home", f"/api?word={self.data('words')['word']}")
        else:
            self.post("register" if who.is_new else "login", f"/api?who={who.password}", dict(who))

    @journey(customer=True)
    def is_locked(self):
        self.get("home", f"/api?page={self.account.user}", refused={"account_locked": 200})

    @journey
    def leaks(self):
        self.get("home", "/api")
        raise RuntimeError(f"lost {self.account.password}")

    @journey
    def loops(self):
        while True:
            pass
"""
ANSWERS: dict[str, tuple[int, object]] = {
    "/api": (200, {"email": "jo@shop.example", "products": [{"sku": "tee"}]}),
    "/order": (201, {"id": "o1"}),
    "/sold-out": (409, {"error": "out_of_stock"}),
    "/broken": (500, {"error": "card 4111111111111111"}),
    "/large": (200, b"<html>" + b"x" * (5 << 20)),
    "/huge": (200, b"x" * (17 << 20)),
}


@pytest.fixture(scope="module")
def shop() -> Iterator[FakeShop]:
    with fake_shop(ANSWERS) as one:
        yield one


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What a trial told and left."""

    events: list[Event]
    directory: RunDirectory
    code: int
    log: str

    @property
    def failure(self) -> Failure:
        (one,) = (event for event in self.events if isinstance(event, Failure))
        return one

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def of_journey(self, journey: str) -> "Played":
        """Return what was told of one journey, which was played in one session."""
        (begin,) = (n for n, one in enumerate(self.events) if isinstance(one, SessionBegan) and one.journey == journey)
        over = self.events.index(JourneyEnded(journey=journey), begin)
        return replace(self, events=self.events[begin : over + 1])


def tried(folder: Path, shop: FakeShop, *journeys: str, sessions: int = 1, **job: Any) -> Played:
    file = folder / "mine.py"
    file.write_text(MINE)
    directory = prepared_run(folder, shop.url, declared={"storefront": {"file": str(file)}, **job.pop("declared", {})})
    directory.storefront.mkdir()
    (directory.storefront / "mine.py").write_text(MINE)
    asked: dict[str, Any] = {
        "directory": directory.path,
        "worker": "w0",
        "first": 0,
        "journeys": journeys,
        "sessions": sessions,
        "step_s": 5.0,
        "code_s": 1.0,
        "hang": directory.hang("w0"),
        "every_s": 0.01,
        **job,
    }
    line = TrialJob.model_validate(asked).model_dump_json() + "\n"
    with subprocess.Popen(COMMAND, stdin=-1, stdout=-1, stderr=-1, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(line)
        process.stdin.flush()
        events = [EVENT.validate_json(text) for text in process.stdout]
        log = process.stderr.read()
        code = process.wait(timeout=30)
    return Played(events=events, directory=directory, code=code, log=log)


def at(line: str) -> int:
    return MINE.splitlines().index(line) + 1


def test_each_step_is_told_as_it_happens_and_counted(tmp_path: Path, shop: FakeShop) -> None:
    played = tried(tmp_path, shop, "looks")
    began, first, second, ended, over = played.events
    assert began == SessionBegan(journey="looks", session=0, nth=1, of=1)
    assert isinstance(first, StepPlayed)
    assert (first.step, first.method, first.path, first.status) == ("home", "GET", "/api?token=***", 200)
    assert isinstance(second, StepPlayed)
    assert second.path == "/api?page=2"
    assert isinstance(ended, SessionEnded)
    assert (ended.steps, ended.orders, ended.lacked, ended.failed) == ({"home": 2}, 0, None, False)
    assert over == JourneyEnded(journey="looks")
    assert (played.code, played.log) == (0, "hello from the file\n")
    assert read_tables(played.directory.parts("requests"), REQUESTS)["step"].to_pylist() == ["home", "home"]
    assert not played.directory.hang("w0").exists()


def test_the_sessions_that_are_counted_fill_the_smallest_cart_the_largest_and_one_between_in_turn(
    tmp_path: Path, shop: FakeShop
) -> None:
    """Three that drew alike would read as what every session does."""
    ended = tried(tmp_path, shop, "fills", sessions=4).of(SessionEnded)
    assert [one.steps["basket"] for one in ended] == [1, 3, 2, 1]


def test_an_order_is_in_the_ledger_and_told(tmp_path: Path, shop: FakeShop) -> None:
    played = tried(tmp_path, shop, "buys", sessions=2, first=7)
    assert played.of(OrderSeen) == [OrderSeen(), OrderSeen(outcome="accepted", order_id="o1")] * 2
    assert [(ended.steps, ended.orders, ended.accepted) for ended in played.of(SessionEnded)] == [
        ({"checkout": 1}, 1, 1)
    ] * 2
    assert [(one.session, one.outcome) for one in read_ledgers(played.directory.ledgers())] == [
        (7, "accepted"),
        (8, "accepted"),
    ]


def test_a_session_whose_order_is_refused_is_played_again_three_times_and_not_counted(
    tmp_path: Path, shop: FakeShop
) -> None:
    played = tried(tmp_path, shop, "declined")
    assert [one.lacked for one in played.of(SessionEnded)] == ["its order was refused"] * 3
    assert played.of(Accepted) == [Accepted(step="checkout", error="http_4xx")] * 3
    assert [one.reason for one in played.of(OrderSeen) if one.outcome] == ["out_of_stock"] * 3


# A journey, what ended it, in which words, and the line it is named with.
ENDED_BY = [
    ("missing", "shop", "home: wrong_reply: cart.id: not there", '        self.get("home", "/api")["cart.id"]'),
    ("earlier", "shop", "home: wrong_reply: cart.id: not there", '        first["cart.id"]'),
    ("broken", "shop", "fails: http_5xx", '        self.get("fails", "/broken")'),
    ("raises", "storefront", "RuntimeError: in mid visit", '        raise RuntimeError("in mid visit")'),
    (
        "reads",
        "shop",
        "home: wrong_reply: mine.py:{line}: KeyError: 'nope'",
        '        return self.get("home", "/api").json["nope"]',
    ),
    (
        "large",
        "shop",
        "page: wrong_reply: the page has 5242886 bytes; at most 4194304 are read",
        '        self.get("page", "/large").select("a")',
    ),
    ("huge", "shop", "page: protocol", '        self.get("page", "/huge")'),
    ("sleeps", "stuck", "the storefront's code has asked for nothing for 1 s", "        time.sleep(60)"),
    (
        "endless",
        "stuck",
        "the session made 200 requests and hasn't ended",
        '            self.get("home", "/api")',
    ),
]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory, shop: FakeShop) -> Played:
    """Try all of them and one that does not fail, in one process: its start takes most of a second."""
    return tried(tmp_path_factory.mktemp("ended"), shop, *(journey for journey, *_ in ENDED_BY), "looks")


@pytest.mark.parametrize(("journey", "what", "message", "line"), ENDED_BY)
def test_what_ends_a_session_is_named_with_its_line(
    ended: Played, journey: str, what: str, message: str, line: str
) -> None:
    played = ended.of_journey(journey)
    failure, number = played.failure, at(line)
    place = failure.places[-1]
    assert (failure.what, failure.message) == (what, message.format(line=number))
    assert (place.line, place.function, place.source) == (number, journey, line.strip())
    assert [(one.journey, one.failed) for one in played.of(SessionEnded)] == [(journey, True)]


def test_the_journeys_behind_one_that_failed_are_played(ended: Played) -> None:
    order = [*(journey for journey, *_ in ENDED_BY), "looks"]
    assert [one.journey for one in ended.of(SessionEnded)] == order
    assert [one.failed for one in ended.of_journey("looks").of(SessionEnded)] == [False]
    assert (ended.code, len(ended.of_journey("looks").of(StepPlayed))) == (0, 2)


def test_a_failure_shows_the_request_and_the_reply_without_secrets(tmp_path: Path, shop: FakeShop) -> None:
    exchange = tried(tmp_path, shop, "broken").failure.exchange
    assert exchange is not None
    assert (exchange.method, exchange.path, exchange.headers) == ("GET", "/broken", {"X-Key": "***"})
    assert (exchange.status, exchange.error) == (500, "http_5xx")
    assert json.loads(exchange.reply_body) == {"error": "card ***"}


def test_code_that_swallows_its_end_can_not_keep_it(tmp_path: Path, shop: FakeShop) -> None:
    assert tried(tmp_path, shop, "swallows").failure.what == "stuck"


def test_code_that_never_yields_ends_the_process_and_leaves_where(tmp_path: Path, shop: FakeShop) -> None:
    played = tried(tmp_path, shop, "loops")
    assert (played.code, played.of(SessionEnded)) == (75, [])
    loops = MINE.splitlines().index("    def loops(self):")
    text = played.directory.hang("w0").read_text()
    assert any(f'mine.py", line {loops + n} in loops' in text for n in (2, 3))


def test_requests_are_as_far_apart_as_they_must_be_whatever_the_think_times(tmp_path: Path, shop: FakeShop) -> None:
    played = tried(tmp_path, shop, "looks", every_s=0.4)
    sent = sorted(read_tables(played.directory.parts("requests"), REQUESTS)["sent_at"].to_pylist())
    assert sent[1] - sent[0] >= 400_000_000


def test_a_secret_that_is_missing_ends_it_before_any_request(tmp_path: Path, shop: FakeShop) -> None:
    asked = len(shop.asked)
    played = tried(tmp_path, shop, "looks", declared={"headers": {"X-Token": {"env": "NOT_SET_AT_ALL"}}})
    assert (played.code, played.events, len(shop.asked)) == (2, [], asked)
    assert (
        played.log == "the environment variable NOT_SET_AT_ALL is not set; targets.yaml names it in headers.X-Token\n"
    )


def with_accounts(folder: Path, **share: float) -> dict[str, object]:
    (folder / "accounts.csv").write_text("user,password\nada@shop.example,canary-word\n")
    (folder / "words.csv").write_text("word\ncanary-search\n")
    return {
        "accounts": {"file": str(folder / "accounts.csv"), "share": share},
        "data": {"words": {"file": str(folder / "words.csv")}},
    }


def test_customers_of_each_kind_come_in_turn_and_nothing_of_them_is_told(tmp_path: Path, shop: FakeShop) -> None:
    declared = with_accounts(tmp_path, guest=0.2, new=0.3, returning=0.5)
    played = tried(tmp_path, shop, "signs-in", sessions=4, declared=declared)
    assert [step.step for step in played.of(StepPlayed)] == ["login", "register", "home", "login"]
    assert [step.path for step in played.of(StepPlayed)] == [
        *("/api?who=***", "/api?who=***", "/api?word=***", "/api?who=***")
    ]
    assert "canary" not in repr(played.events) + played.log
    assert played.code == 0


def test_a_mistake_that_is_told_holds_nothing_of_the_account(tmp_path: Path, shop: FakeShop) -> None:
    played = tried(tmp_path, shop, "leaks", declared=with_accounts(tmp_path, returning=1.0))
    assert (played.failure.what, played.failure.message) == ("storefront", "RuntimeError: lost ***")
    assert "canary" not in repr(played.events) + played.log


def test_accounts_that_the_shop_locks_leave_none_and_are_no_mistake_of_the_storefront(
    tmp_path: Path, shop: FakeShop
) -> None:
    played = tried(tmp_path, shop, "is-locked", "looks", sessions=2, declared=with_accounts(tmp_path, returning=1.0))
    lacked = [(ended.journey, ended.lacked) for ended in played.of(SessionEnded)]
    assert lacked == [
        ("is-locked", "account_locked"),
        *[("is-locked", "no_account")] * 2,
        *[("looks", "no_account")] * 3,
    ]
    assert (played.of(Failure), played.code) == ([], 0)


def test_a_kind_of_customer_that_hardly_ever_comes_is_not_waited_for(tmp_path: Path, shop: FakeShop) -> None:
    declared = with_accounts(tmp_path, guest=1.0 - 1e-9, new=1e-9)
    played = tried(tmp_path, shop, "looks", sessions=2, declared=declared)
    assert (len(played.of(SessionEnded)), played.of(Failure), played.code) == (2, [], 0)


def test_a_short_user_is_shown_no_more_than_a_long_one(tmp_path: Path, shop: FakeShop) -> None:
    declared = with_accounts(tmp_path, returning=1.0)
    (tmp_path / "accounts.csv").write_text("user,password\nbob,canary-word\n")
    played = tried(tmp_path, shop, "is-locked", declared=declared)
    assert {step.path for step in played.of(StepPlayed)} == {"/api?page=***"}
