"""What the events of a probe's process come to: success, the step that failed, or that nothing is known."""

from typing import Literal

import pytest

from loadtests.probe.messages import (
    DeadlinePassed,
    HostSeen,
    NotReached,
    ProbeEvent,
    Resolved,
    Skipped,
    Stage,
)
from loadtests.probe.result import REASONS, FailedStep, ProbeResult, ProcessEnd, result_of, skipped
from loadtests.trial.messages import Exchange, Failure, Kind, OrderSeen, SessionEnded, StepPlayed

PLAYS = Stage(name="play")
DONE = ProcessEnd(late=False, code=0)
KILLED = ProcessEnd(late=True, code=-9)


def step(name: str = "home", time_s: float = 0.1, status: int = 200, error: str | None = None) -> StepPlayed:
    return StepPlayed(step=name, method="GET", path="/", status=status, time_s=time_s, bytes=1, error=error)


def ended(lacked: str | None = None, *, failed: bool = False) -> SessionEnded:
    return SessionEnded(
        journey="looks", session=1, steps={}, orders=0, accepted=0, took_s=1.0, lacked=lacked, failed=failed
    )


def failure(message: str, what: Kind = "shop", at: str | None = "home", error: str | None = None) -> Failure:
    exchange = None if at is None else Exchange(step=at, method="GET", path="/", error=error)
    return Failure(what=what, message=message, exchange=exchange)


def of(*events: ProbeEvent, end: ProcessEnd = DONE) -> ProbeResult:
    return result_of(events, end, 1000.0, 2.0)


def test_a_journey_that_was_walked_succeeds_with_the_slowest_request_of_each_step() -> None:
    found = of(Resolved(took_s=0.01), PLAYS, step(time_s=0.3), step("list"), step(time_s=0.2, status=304), ended())
    assert (found.success, found.failed, found.skipped) == (True, None, None)
    assert found.steps_s == {"home": 0.3, "list": 0.1}
    assert (found.requests, round(found.requests_s, 6), found.status, found.resolve_s) == (3, 0.6, 304, 0.01)
    assert (found.began_at_s, found.took_s) == (1000.0, 2.0)


def test_hosts_and_orders_are_kept() -> None:
    host = HostSeen(host="shop", trusted=True, not_after_s=5.0)
    found = of(PLAYS, host, step(), OrderSeen(), OrderSeen(outcome="accepted"), ended())
    assert (found.hosts, found.orders) == ((host,), {"attempted": 1, "accepted": 1})


@pytest.mark.parametrize(
    ("told", "step_name", "reason"),
    [
        (failure("list: http_5xx", at="list"), "list", "http_5xx"),
        (failure("list: wrong_reply: cart.id: not there"), "list", "wrong_reply"),
        (failure("order-paid: timeout", at="checkout"), "order-paid", "timeout"),
        (failure("account: others_data: another shopper's data"), "account", "others_data"),
        (failure("redirected_away: 'https://evil/' is elsewhere", at="list"), "list", "redirected_away"),
        (failure("no_data", at=None), "none", "no_data"),
        (failure("something new", at="list", error="graphql"), "list", "graphql"),
        (failure("something new"), "home", "other"),
        (failure("RuntimeError: home: http_5xx", what="storefront"), "home", "storefront"),
        (failure("RuntimeError: no", what="storefront", at=None), "none", "storefront"),
        (failure("the code has asked for nothing for 10 s", what="stuck"), "home", "stuck"),
    ],
)
def test_a_failure_is_the_first_step_that_failed_and_one_of_the_reasons(
    told: Failure, step_name: str, reason: str
) -> None:
    found = of(PLAYS, step(), told, ended(failed=True))
    assert found.failed == FailedStep(step=step_name, reason=reason, message=told.message)
    assert (found.success, reason in REASONS) == (False, True)


def test_a_connection_that_was_not_made_for_a_certificate_names_it() -> None:
    told, bad = failure("home: connection"), HostSeen(host="shop.example", trusted=False)
    found = of(PLAYS, HostSeen(host="cdn.example", trusted=True), bad, told)
    message = "home: connection: the certificate of shop.example isn't trusted"
    assert found.failed == FailedStep(step="home", reason="tls", message=message)
    other = of(PLAYS, bad, step(), failure("home: http_5xx")).failed
    assert other is not None
    assert other.reason == "http_5xx"


def test_a_session_that_was_ended_at_the_deadline_failed_at_the_step_it_waited_for() -> None:
    told = failure("the probe's time is over", what="stuck", at="slow")
    found = of(PLAYS, step(), told, ended(failed=True), DeadlinePassed())
    assert found.failed == FailedStep(step="slow", reason="deadline", message="the probe's time is over")


def test_an_order_that_was_refused_fails_the_probe() -> None:
    found = of(PLAYS, step("checkout", status=409), ended("its order was refused"))
    assert found.failed == FailedStep(step="checkout", reason="refused", message="its order was refused")


def test_a_name_without_an_address_fails_it_and_so_does_a_look_up_that_never_ends() -> None:
    told = NotReached(reason="dns", message="shop.example: no address")
    assert of(Stage(name="resolve"), told).failed == FailedStep(step="none", reason="dns", message=told.message)
    hangs = of(Stage(name="resolve"), end=KILLED).failed
    assert hangs == FailedStep(step="none", reason="dns", message="the probe's time is over")


@pytest.mark.parametrize(
    ("end", "reason", "message"),
    [
        (KILLED, "deadline", "the probe's time is over"),
        (ProcessEnd(late=False, code=75, hung=True), "stuck", "the storefront's code never yields"),
        (ProcessEnd(late=False, code=-11, log="boom"), "process", "its process ended with -11: boom"),
        (ProcessEnd(late=False, code=1), "process", "its process ended with 1: it logged nothing"),
    ],
)
def test_a_process_that_is_gone_in_mid_journey_fails_it_after_its_last_step(
    end: ProcessEnd, reason: str, message: str
) -> None:
    assert of(PLAYS, step("list"), end=end).failed == FailedStep(step="list", reason=reason, message=message)


@pytest.mark.parametrize(
    ("events", "end", "reason"),
    [
        ((PLAYS, step(), failure("stop", what="stuck"), Skipped(reason="run", message="a run")), DONE, "run"),
        ((PLAYS, failure("ceiling_orders: no more", what="ceiling", at=None), ended(failed=True)), DONE, "ceiling"),
        ((PLAYS, ended("no_account")), DONE, "no_account"),
        ((), KILLED, "late"),
        ((Stage(name="guards"),), KILLED, "late"),
        ((), ProcessEnd(late=False, code=1, log="ImportError"), "process"),
    ],
)
def test_what_the_shop_is_not_to_blame_for_is_skipped_and_neither_success_nor_failure(
    events: tuple[ProbeEvent, ...], end: ProcessEnd, reason: Literal["run", "ceiling", "late", "process", "no_account"]
) -> None:
    found = of(*events, end=end)
    assert found.skipped is not None
    assert (found.skipped.reason, found.success, found.failed) == (reason, None, None)


def test_a_probe_that_never_began_says_why() -> None:
    found = skipped("busy", "two are under way", 7.0)
    assert (found.success, found.skipped) == (None, Skipped(reason="busy", message="two are under way"))
