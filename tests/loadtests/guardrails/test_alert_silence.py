"""A run silences the alerts of its environment and of no other; what dead runs left is ended by the next."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from loadtests.environment.pinned_http import PinnedHttp
from loadtests.environment.targets import Environment
from loadtests.guardrails.alert_silence import MARGIN_S, Silencing, check_may_be_silenced
from loadtests.guardrails.alertmanager import Alertmanager, Matcher
from slo.outcomes import EnvironmentLacks
from tests.loadtests.watchers import RealAlertmanager, alertmanager
from tests.ports import free_port
from tests.waiting import wait_for

SHOP = "http://127.0.0.1:9"
OURS = Silencing(run="20261129T180000Z-peak-ab12", base_url=SHOP, alerts="staging")


def environment(**declared: Any) -> Environment:
    ceiling = {"requests_per_s": 1, "open_sessions": 1, "orders": 1}
    return Environment.model_validate(
        {"base_url": SHOP, "storefront": "twisted-threads", "ceiling": ceiling, **declared}
    )


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealAlertmanager]:
    with alertmanager(tmp_path_factory.mktemp("alertmanager")) as one:
        yield one


@pytest.fixture
def client(real: RealAlertmanager) -> Iterator[Alertmanager]:
    with PinnedHttp(environment(alertmanager_url=real.url)) as http:
        client = Alertmanager(url=real.url, http=http)
        yield client
        for one in client.silences():
            client.end(one.id)


def state(real: RealAlertmanager, silence: str) -> str:
    return next(str(one["status"]["state"]) for one in real.silences() if one["id"] == silence)


def test_only_alerts_of_its_environment_are_silenced_and_only_until_its_end(
    real: RealAlertmanager, client: Alertmanager
) -> None:
    OURS.begin(client, time.time_ns(), 60)
    real.alert("staging", "production", "staging-2")
    wait_for(lambda: {"production", "staging-2"} <= set(real.people.notified), "the notices of production's alert")
    assert real.states() == {"staging": "suppressed", "production": "active", "staging-2": "active"}
    assert "staging" not in real.people.notified
    OURS.end(client)
    wait_for(lambda: "staging" in real.people.notified, "the notice after the run")
    assert real.states()["staging"] == "active"


def test_a_silence_is_bounded_by_the_plan_and_names_its_run(real: RealAlertmanager, client: Alertmanager) -> None:
    now = time.time_ns() // 1_000_000_000 * 1_000_000_000
    begun = OURS.begin(client, now, 120)
    assert begun.ends_at - now == (120 + MARGIN_S) * 1e9
    (made,) = [one for one in real.silences() if one["id"] == begun.id]
    assert made["matchers"] == [{"name": "environment", "value": "staging", "isRegex": False, "isEqual": True}]
    assert made["createdBy"] == "peakproof"
    assert made["comment"] == (
        f"Peakproof run {OURS.run} loads {SHOP}: its alerts are of a load test, and end with the run"
    )
    ends_at = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(begun.ends_at // 1_000_000_000))
    assert made["endsAt"] == ends_at


def test_what_a_dead_run_left_is_ended_and_nobody_elses(real: RealAlertmanager, client: Alertmanager) -> None:
    now = time.time_ns()

    def left_by(**changed: str) -> str:
        fields: dict[str, str] = {"run": "20261128T180000Z-peak-0000", "base_url": SHOP, "alerts": "staging", **changed}
        return Silencing(**fields).begin(client, now, 60).id

    others = [left_by(base_url="http://127.0.0.1:10"), left_by(alerts="staging-2")]
    by_hand = client.silence(
        OURS.matchers, now, now + 60_000_000_000, created_by="Ada", comment=f"Peakproof run x loads {SHOP}: by hand"
    )
    wider = client.silence(
        (*OURS.matchers, Matcher.exactly("severity", "page")), now, now + 60_000_000_000,
        created_by="peakproof", comment=OURS.comment,
    )  # fmt: skip
    dead = left_by()
    begun = OURS.begin(client, time.time_ns(), 60)
    assert begun.ended_before == (dead,)
    assert state(real, dead) == "expired"
    assert [state(real, one) for one in (*others, by_hand, wider, begun.id)] == ["active"] * 5


def test_a_silence_whose_making_was_not_answered_is_ended_all_the_same(
    real: RealAlertmanager, client: Alertmanager
) -> None:
    first, second = (OURS.begin(client, time.time_ns(), 60).id for _ in range(2))
    OURS.end(client)
    assert [state(real, one) for one in (first, second)] == ["expired", "expired"]


def test_a_silence_that_was_ended_by_hand_is_over(client: Alertmanager) -> None:
    made = OURS.begin(client, time.time_ns(), 60).id
    client.end(made)
    client.end(made)


def test_a_silence_that_is_gone_is_over(client: Alertmanager) -> None:
    client.end("00000000-0000-4000-8000-000000000000")


def test_nothing_is_silenced_without_a_matcher() -> None:
    alertmanager_ = Alertmanager(url=SHOP, http=requests.Session())
    with pytest.raises(ValueError, match="a silence without a matcher would silence everything"):
        alertmanager_.silence((), 0, 1, created_by="peakproof", comment="all")


def test_an_alertmanager_that_is_not_there_is_named_with_what_to_do() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with PinnedHttp(environment(alertmanager_url=url)) as http, pytest.raises(EnvironmentLacks) as refused:
        Alertmanager(url=url, http=http).silences()
    assert str(refused.value) == (
        f"the Alertmanager at {url} doesn't answer: ConnectionError; start it, correct alertmanager_url, or leave it"
        " out"
    )


def refusal(permitted: str | None = None, *, production: bool, **declared: Any) -> str | None:
    known: Mapping[str, Environment] = {"shop": environment(production=True, alert_environment="production")}
    try:
        check_may_be_silenced(
            "staging",
            environment(alertmanager_url="http://127.0.0.1:9093", **declared),
            known,
            permitted,
            production=production,
        )
    except EnvironmentLacks as error:
        return str(error)
    return None


def test_an_environment_that_is_not_production_is_silenced() -> None:
    assert refusal(production=False) is None


def test_no_alert_of_production_is_silenced_for_another_environment() -> None:
    assert refusal(production=False, alert_environment="production") == (
        "staging: alerts of environment='production' are those of shop, which is production, and are not silenced for"
        " staging; set alert_environment to what its own alerts carry"
    )


@pytest.mark.parametrize("permitted", [None, "production"])
def test_production_is_silenced_only_by_a_permission_that_names_it(permitted: str | None) -> None:
    assert refusal(permitted, production=True) == (
        "staging is production: its alerts are silenced only with a permission that says silences: staging; write it"
        " again with: peakproof doctor --permit, or leave alertmanager_url out"
    )
    assert refusal("staging", production=True) is None


def test_without_an_alertmanager_nothing_is_asked(tmp_path: Path) -> None:
    check_may_be_silenced("staging", environment(production=True), {}, None, production=True)
    assert not list(tmp_path.iterdir())
