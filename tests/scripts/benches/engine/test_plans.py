"""The benchmark's plans are plans of the product's, with exactly the sessions that were asked for."""

from pathlib import Path

import pytest

from loadtests.demand.arrivals import schedule
from loadtests.demand.plan import read_plan
from loadtests.environment.targets import Environment
from scripts.benches.engine.plans import Load, environment_of, objectives_of, plan_of
from slo.objectives.openslo import read_objectives

pytestmark = pytest.mark.usefixtures("bench_shop")


@pytest.mark.parametrize("sessions", [1, 100, 2100])
def test_so_many_sessions_arrive_at_the_start_and_none_later(sessions: int) -> None:
    load = Load(journey="bench-buying", sessions=sessions)
    at_s = schedule(plan_of(load)).at_s
    assert len(at_s) == sessions
    assert at_s.max() <= load.spawn_s


def test_requests_are_judged_from_when_all_have_arrived() -> None:
    load = Load(journey="bench-buying", sessions=100)
    assert plan_of(load).judged_span() == (0.1, 3600.1)


def test_sessions_go_on_arriving_at_the_rate_that_was_asked_for() -> None:
    plan = plan_of(Load(journey="bench-once", sessions_per_s=300, lasts_s=60, most_open=100))
    assert (plan.curve().rate(30), plan.limits.open_sessions) == (300, 100)


def test_a_mean_pause_is_a_mean_whatever_its_spread() -> None:
    think = plan_of(Load(journey="bench-thinking", sessions=1, think_s=0.1, sigma=0.5)).think_time
    assert think.median_s == pytest.approx(0.1 / 2.718281828 ** (0.5**2 / 2))


def test_a_plan_reads_back_as_it_was_written(tmp_path: Path) -> None:
    plan = plan_of(Load(journey="bench-buying", sessions=10, trace_sampling=0.01, assets="shop"))
    assert (plan.trace_sampling, plan.assets) == (0.01, "shop")
    path = tmp_path / "plan.yaml"
    path.write_text(plan.to_yaml())
    assert read_plan(path) == plan


def test_two_objectives_over_all_steps_are_followed(tmp_path: Path) -> None:
    path = tmp_path / "bench.yaml"
    path.write_text(objectives_of(Load(journey="bench-buying")))
    found = read_objectives((path,))
    steps = ("products", "search", "cart", "checkout")
    assert [(one.name, tuple(one.steps), one.indicator.threshold_s) for one in found] == [
        ("bench-answers", steps, None),
        ("bench-waits", steps, 60.0),
    ]


def test_the_target_is_an_environment_that_may_be_loaded() -> None:
    environment = Environment.model_validate(environment_of("https://127.0.0.1:20000", "/tmp/ca.pem"))  # noqa: S108 - a name
    assert (environment.storefront, environment.ca) == ("bench", "/tmp/ca.pem")  # noqa: S108 - the same
