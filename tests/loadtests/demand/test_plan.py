"""A plan is what the contract says, or it is refused with a message its author can act on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from loadtests.demand.plan import Plan, read_plan
from slo.documents import BadInput

Change = Callable[[dict[str, Any]], object]


def write(folder: Path, data: object) -> Path:
    path = folder / "plan.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False))
    return path


def phase(number: int, **changes: object) -> Change:
    return lambda data: data["phases"][number].update(changes)


def demand(**changes: object) -> Change:
    return lambda data: data["demand"].update(changes)


def top(**changes: object) -> Change:
    return lambda data: data.update(changes)


def swapped(first: int, second: int) -> Change:
    def change(data: dict[str, Any]) -> None:
        phases = data["phases"]
        phases[first], phases[second] = phases[second], phases[first]

    return change


def repeated(number: int) -> Change:
    return lambda data: data["phases"].insert(number, {**data["phases"][number], "name": "again"})


def without(number: int) -> Change:
    return lambda data: data["phases"].pop(number)


PHASES_SHOWN = "found [{'name': 'reference', 'kind': 'reference', 'duration_s': 25, 'level': [0.5, 0.5…"
BAD: list[tuple[Change, str]] = [
    (top(format="peakproof/plan/v2"), "format: Input should be 'peakproof/plan/v1', found 'peakproof/plan/v2'"),
    (top(nmae="x"), "nmae: unknown key"),
    (lambda data: data.pop("limits"), "limits: required and missing"),
    (
        top(name="Holiday Peak"),
        "name: must be a DNS label of 1 to 40 characters: a-z, 0-9 and inner hyphens, found 'Holiday Peak'",
    ),
    (
        top(name="a" * 41),
        f"name: must be a DNS label of 1 to 40 characters: a-z, 0-9 and inner hyphens, found '{'a' * 41}'",
    ),
    (top(seed=-1), "seed: Input should be greater than or equal to 0, found -1"),
    (top(seed="7"), "seed: Input should be a valid integer, found '7'"),
    (top(trace_sampling=True), "trace_sampling: Input should be a valid number, found True"),
    (top(trace_sampling=1.5), "trace_sampling: Input should be less than or equal to 1, found 1.5"),
    (
        top(design_effect_prior=2.0),
        (
            "design_effect_prior: is now assumed_error_burst_s: the longest error burst that a PASS is to rule out,"
            " in seconds"
        ),
    ),
    (top(assumed_error_burst_s=0), "assumed_error_burst_s: Input should be greater than 0, found 0"),
    (top(assumed_error_burst_s=61), "assumed_error_burst_s: Input should be less than or equal to 60, found 61"),
    (demand(factor=0), "demand.factor: Input should be greater than 0, found 0"),
    (demand(factor=float("inf")), "demand.factor: Input should be a finite number, found inf"),
    (
        demand(peak_sessions_per_s=11.3),
        (
            "demand.peak_sessions_per_s: must be within 1 % of forecast_orders_per_hour * factor / 3600"
            " / orders_per_session = 11.1111, found 11.3"
        ),
    ),
    (
        demand(forecast_orders_per_hour=12e6, peak_sessions_per_s=11111.1),
        f"phases: the highest rate is 11111.1 sessions/s; at most 10000 are allowed, {PHASES_SHOWN}",
    ),
    (
        lambda data: (
            demand(forecast_orders_per_hour=6e6, peak_sessions_per_s=5555.6)(data),
            phase(3, duration_s=1800, represents_s=72000)(data),
        ),
        f"phases: 10154248 sessions are planned; at most 10000000 are allowed, {PHASES_SHOWN}",
    ),
    (phase(0, plays_s=25), "phases[0].plays_s: is now duration_s"),
    (phase(2, stands_for_s=540), "phases[2].stands_for_s: is now represents_s"),
    (phase(3, duration_s=0), "phases[3].duration_s: Input should be greater than or equal to 0.1, found 0"),
    (phase(3, duration_s=float("nan")), "phases[3].duration_s: Input should be a finite number, found nan"),
    (
        phase(3, duration_s=86400, represents_s=86400 * 40),
        f"phases: the phases last 86456 s together; at most 86400 s are allowed, {PHASES_SHOWN}",
    ),
    (
        phase(3, represents_s=3600),
        (
            "phases: represents_s / duration_s must be the same in every phase that has it, but is 40 in ramp and"
            f" 48 in plateau, {PHASES_SHOWN}"
        ),
    ),
    (phase(2, level=[-0.1, 1]), "phases[2].level[0]: Input should be greater than or equal to 0, found -0.1"),
    (phase(2, level=[1]), "phases[2].level[1]: required and missing"),
    (phase(2, level=None), "phases[2].level: a ramp needs a level: [at its start, at its end], found None"),
    (phase(3, level=[0, 0]), "phases[3].level: a plateau's level must be above 0, found [0, 0]"),
    (phase(4, level=[0, 0]), "phases[4].level: a drain has no level: nobody arrives in it, found [0, 0]"),
    (
        phase(2, kind="spike"),
        "phases[2].kind: Input should be 'reference', 'warm-up', 'ramp', 'plateau' or 'drain', found 'spike'",
    ),
    (phase(2, name="plateau"), f"phases: two phases are named plateau, {PHASES_SHOWN}"),
    (without(3), f"phases: a plan needs a plateau, {PHASES_SHOWN}"),
    (without(1), f"phases: a plan needs a warm-up, {PHASES_SHOWN}"),
    (without(4), f"phases: a plan needs a drain, {PHASES_SHOWN}"),
    (top(phases=[]), "phases: a plan needs a warm-up, found []"),
    (repeated(1), f"phases: a plan has at most one warm-up, {PHASES_SHOWN}"),
    (repeated(4), f"phases: a plan has at most one drain, {PHASES_SHOWN}"),
    (
        swapped(2, 3),
        (
            "phases: ramp (ramp) comes after plateau (plateau); the order is reference, warm-up, ramp, plateau, drain,"
            f" {PHASES_SHOWN}"
        ),
    ),
    (
        top(journeys={"search-and-buy": 0.9, "Returns": 0.1}),
        (
            "journeys: 'Returns' is no journey's name: 1 to 40 of a-z, 0-9 and inner hyphens,"
            " found {'search-and-buy': 0.9, 'Returns': 0.1}"
        ),
    ),
    (top(journeys={"search-and-buy": 0.9}), "journeys: shares must sum to 1, not 0.9, found {'search-and-buy': 0.9}"),
    (top(journeys={}), "journeys: shares must sum to 1, not 0, found {}"),
    (
        top(journeys={"search-and-buy": 1.2, "window-shop": -0.2}),
        (
            "journeys: the share of search-and-buy must be from 0 to 1, not 1.2,"
            " found {'search-and-buy': 1.2, 'window-shop': -0.2}"
        ),
    ),
    (top(cart_lines={"min": 0, "max": 9}), "cart_lines.min: Input should be greater than or equal to 1, found 0"),
    (top(cart_lines={"min": 3, "max": 51}), "cart_lines.max: Input should be less than or equal to 50, found 51"),
    (top(cart_lines={"min": 3, "max": 2}), "cart_lines.max: must be at least min = 3, found 2"),
    (
        top(think_time={"median_s": 0, "sigma": 0.5, "max_s": 6}),
        "think_time.log-normal.median_s: Input should be greater than 0, found 0",
    ),
    (
        top(think_time={"median_s": 2, "sigma": 0.5, "max_s": 1}),
        "think_time.log-normal.max_s: must be at least median_s = 2, found 1",
    ),
    (
        top(think_time={"quantiles_s": [0.5, 2, 1]}),
        "think_time.empirical.quantiles_s: must not fall, and 1 comes after 2, found [0.5, 2, 1]",
    ),
    (
        top(think_time={"quantiles_s": [1]}),
        "think_time.empirical.quantiles_s: Tuple should have at least 2 items after validation, not 1, found [1]",
    ),
    (top(spacing="even"), "spacing: Input should be 'poisson' or 'regular', found 'even'"),
    (top(limits={"open_sessions": 0}), "limits.open_sessions: Input should be greater than or equal to 1, found 0"),
    (
        top(not_judged=[{"objective": "a", "because": "b"}] * 2),
        "not_judged: a is named twice, found [{'objective': 'a', 'because': 'b'}, {'objective': 'a', 'because': 'b'}]",
    ),
]


@pytest.mark.parametrize(("change", "message"), BAD, ids=[message[:50] for _, message in BAD])
def test_a_plan_that_can_not_be_played_is_refused_saying_where_and_why(
    tmp_path: Path, plan_data: dict[str, Any], change: Change, message: str
) -> None:
    change(plan_data)
    path = write(tmp_path, plan_data)
    with pytest.raises(BadInput) as refused:
        read_plan(path)
    assert str(refused.value) == f"{path}: {message}"


@pytest.mark.parametrize("extreme", [1e308, 5e-324, -1e308])
@pytest.mark.parametrize(
    "put",
    [
        lambda data, value: data["journeys"].update({"search-and-buy": value, "window-shop": value}),
        lambda data, value: [item.update(duration_s=value) for item in data["phases"]],
        lambda data, value: data["phases"][3].update(represents_s=value),
        lambda data, value: [item.update(level=[value, value]) for item in data["phases"][:-1]],
        lambda data, value: data["demand"].update(peak_sessions_per_s=value, orders_per_session=value),
        lambda data, value: data["demand"].update(forecast_orders_per_hour=value, factor=value),
    ],
)
def test_numbers_at_the_ends_of_the_scale_are_refused_not_stumbled_over(
    tmp_path: Path, plan_data: dict[str, Any], put: Callable[[dict[str, Any], float], object], extreme: float
) -> None:
    put(plan_data, extreme)
    with pytest.raises(BadInput, match=r"plan\.yaml: "):
        read_plan(write(tmp_path, plan_data))


def test_every_error_is_told_at_once(tmp_path: Path, plan_data: dict[str, Any]) -> None:
    plan_data["seed"] = -1
    plan_data["cart_lines"]["min"] = 0
    path = write(tmp_path, plan_data)
    with pytest.raises(BadInput) as refused:
        read_plan(path)
    assert str(refused.value) == (
        f"{path}: seed: Input should be greater than or equal to 0, found -1\n"
        f"{path}: cart_lines.min: Input should be greater than or equal to 1, found 0"
    )


def test_a_plan_written_and_read_again_is_the_same_text_and_the_same_plan(
    tmp_path: Path, plan_data: dict[str, Any]
) -> None:
    plan_data["mix_note"] = "Käufer: yes\nno"
    plan_data["not_judged"] = [{"objective": "browse-availability", "because": "needs 5,990 requests"}]
    plan = Plan.model_validate(plan_data)
    path = tmp_path / "plan.yaml"
    path.write_text(plan.to_yaml(), encoding="utf-8")
    again = read_plan(path)
    assert (again, again.to_yaml()) == (plan, plan.to_yaml())


def test_a_written_plan_says_what_it_is_and_keeps_a_phase_on_a_line(plan_data: dict[str, Any]) -> None:
    lines = Plan.model_validate(plan_data).to_yaml().splitlines()
    assert lines[0].startswith("# The demand a run replays")
    assert lines[2] == "format: peakproof/plan/v1"
    assert "- {name: ramp, kind: ramp, duration_s: 15, represents_s: 600, level: [0.5, 1]}" in lines
    assert "- {name: drain, kind: drain, duration_s: 8}" in lines


@pytest.mark.parametrize(("limits", "connections"), [({}, None), ({"connections": 50}, 50)])
def test_a_plan_says_whether_sessions_share_connections(
    plan_data: dict[str, Any], limits: dict[str, int], connections: int | None
) -> None:
    plan = Plan.model_validate({**plan_data, "limits": {"open_sessions": 10, **limits}})
    assert plan.limits.connections == connections
    assert ("connections" in plan.to_yaml()) == (connections is not None)
    assert Plan.model_validate(yaml.safe_load(plan.to_yaml())) == plan


@pytest.mark.parametrize("connections", [0, -1, 1.5, "many", True])
def test_a_number_of_connections_that_is_none_is_refused(plan_data: dict[str, Any], connections: object) -> None:
    with pytest.raises(ValidationError):
        Plan.model_validate({**plan_data, "limits": {"open_sessions": 10, "connections": connections}})


@pytest.mark.parametrize(("written", "assets"), [(False, "off"), ("off", "off"), ("shop", "shop"), ("all", "all")])
def test_a_plan_says_whether_assets_are_fetched_and_yaml_s_off_is_off(
    plan_data: dict[str, Any], written: object, assets: str
) -> None:
    plan = Plan.model_validate({**plan_data, "assets": written})
    assert plan.assets == assets
    assert (f"assets: {assets}" in plan.to_yaml()) == (assets != "off")


@pytest.mark.parametrize(("written", "streams"), [(False, "off"), ("off", "off"), ("orders", "orders")])
def test_a_plan_says_what_shoppers_listen_to(plan_data: dict[str, Any], written: object, streams: str) -> None:
    plan = Plan.model_validate({**plan_data, "streams": written})
    assert plan.streams == streams
    assert ("streams: orders" in plan.to_yaml()) == (streams != "off")
    assert "streams" not in Plan.model_validate(plan_data).to_yaml()
    with pytest.raises(ValueError, match="Input should be 'off' or 'orders'"):
        Plan.model_validate({**plan_data, "streams": True})


@pytest.mark.parametrize("written", [True, "on", 1, None])
def test_other_words_for_assets_are_refused(tmp_path: Path, plan_data: dict[str, Any], written: object) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump({**plan_data, "assets": written}))
    with pytest.raises(BadInput) as refused:
        read_plan(path)
    assert str(refused.value).startswith(f"{path}: assets: Input should be 'off', 'shop' or 'all', found ")


def test_judged_is_from_the_end_of_the_warm_up_to_the_end_of_the_last_plateau(plan_data: dict[str, Any]) -> None:
    assert Plan.model_validate(plan_data).judged_span() == (33, 123)
    plan_data["phases"].insert(4, {"name": "higher", "kind": "plateau", "duration_s": 10, "level": [1.2, 1.2]})
    assert Plan.model_validate(plan_data).judged_span() == (33, 133)
    del plan_data["phases"][0]
    assert Plan.model_validate(plan_data).judged_span() == (8, 108)


def test_duration_and_compression_are_those_of_the_phases(plan_data: dict[str, Any]) -> None:
    plan = Plan.model_validate(plan_data)
    assert (plan.duration_s, plan.compression, plan.starts_s()) == (131, 40, (0, 25, 33, 48, 123, 131))
    for item in plan_data["phases"]:
        item.pop("represents_s", None)
    assert Plan.model_validate(plan_data).compression == 1


def test_the_curve_plays_the_levels_of_the_peak(plan_data: dict[str, Any]) -> None:
    curve = Plan.model_validate(plan_data).curve()
    assert [curve.rate(t) for t in (0, 33, 40.5, 48, 122, 123, 130)] == pytest.approx(
        [5.55, 5.55, 8.325, 11.1, 11.1, 0, 0]
    )
    assert curve.total == pytest.approx(11.1 * (33 * 0.5 + 15 * 0.75 + 75))


def test_expected_events_are_sessions_of_the_judged_span_times_share_times_visits(plan_data: dict[str, Any]) -> None:
    buyer = {"home": 1.0, "checkout": 1.0}
    steps = {
        "search-and-buy": buyer,
        "click-and-collect": buyer,
        "design-your-own": {**buyer, "preview": 2.0},
        "window-shop": {"home": 1.0, "product": 3.0},
    }
    sessions = 11.1 * (15 * 0.75 + 75)
    assert Plan.model_validate(plan_data).expected_events(steps) == pytest.approx(
        {"home": sessions, "checkout": 0.9 * sessions, "preview": 0.2 * sessions, "product": 0.3 * sessions}
    )


def test_expected_events_need_the_steps_of_every_journey(plan_data: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^the steps of journey search-and-buy are not given$"):
        Plan.model_validate(plan_data).expected_events({"window-shop": {"home": 1}})
