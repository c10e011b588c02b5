"""A plan is built from a forecast by the mix's orders a session; the demo's history and plan are regenerated here."""

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loadtests.demand import demo, sample_history
from loadtests.demand.arrivals import schedule
from loadtests.demand.build import Choices, Offer, build_plan, rounded_shares
from loadtests.demand.forecast import Forecast, OrdersPerSession
from loadtests.demand.history import Hour, read_history
from loadtests.demand.plan import read_plan
from slo.documents import BadInput

COUNTED = OrdersPerSession(ratio=0.04, orders=400, sessions=10_000, hours=3)


def with_sessions() -> Forecast:
    """Return the demo's forecast, of a history that counted sessions."""
    return demo.demo_forecast().model_copy(update={"orders_per_session": COUNTED})


def choices(**changes: Any) -> Choices:
    """Return what a plan needs beyond a forecast, with `changes`."""
    return Choices(**{"name": "peak", "seed": 7, "factor": 1.5, **changes})


@pytest.mark.parametrize(
    ("given", "orders_per_session", "said"), [(None, 0.04, "counted"), (0.02, 0.02, "given"), (1, 1.0, "given")]
)
def test_sessions_a_second_are_orders_by_the_shop_s_orders_a_session(
    given: float | None, orders_per_session: float, said: str
) -> None:
    told = with_sessions()
    plan = build_plan(told, choices(orders_per_session=given))
    assert plan.demand.orders_per_session == orders_per_session
    expected = told.mid_orders_per_hour * 1.5 / 3600 / orders_per_session
    assert plan.demand.peak_sessions_per_s == pytest.approx(expected, rel=1e-4)
    assert plan.demand.source.endswith(f"; orders per session {said}")


@pytest.mark.parametrize("orders_per_session", [0.0001, 0.0237, 0.5, 1.0])
def test_without_a_mix_there_are_as_many_buyers_as_orders(orders_per_session: float) -> None:
    plan = build_plan(demo.demo_forecast(), choices(orders_per_session=orders_per_session, factor=0.01))
    assert list(plan.journeys) == ["window-shop", "search-and-buy", "click-and-collect", "design-your-own"]
    assert 1 - plan.journeys["window-shop"] == pytest.approx(orders_per_session, rel=0.02)
    assert all(share >= 0 for share in plan.journeys.values())


@pytest.mark.parametrize("share", [0.04, 0.05])
def test_a_mix_may_have_up_to_a_quarter_more_buyers_than_orders(share: float) -> None:
    mix = {"search-and-buy": share, "window-shop": 1 - share}
    assert dict(build_plan(with_sessions(), choices(journeys=mix)).journeys) == mix


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"journeys": {"window-shop": 1.0}},
            "mix of window-shop: none of its journeys orders, so no orders can be planned",
        ),
        ({"journeys": {}}, "plan peak: journeys: shares must sum to 1, not 0, found {}"),
        *(
            (
                {"orders_per_session": given},
                f"orders per session must be from 0.0001 to 1, found {given:g}",
            )
            for given in (1.2, 0.0, -0.5, 0.00009, math.nan, math.inf)
        ),
        (
            {"journeys": {"search-and-buy": 0.3, "window-shop": 0.7}},
            (
                "mix: 30.000% of the sessions are buyers', but at 0.04 orders per session 4.000% are, or up to a"
                " quarter more: leave --mix out, change its shares, or give --orders-per-session"
            ),
        ),
        (
            {"journeys": {"search-and-buy": 0.03, "window-shop": 0.97}},
            (
                "mix: 3.000% of the sessions are buyers', but at 0.04 orders per session 4.000% are, or up to a"
                " quarter more: leave --mix out, change its shares, or give --orders-per-session"
            ),
        ),
        (
            {"journeys": {"returns": 1.0}},
            (
                "mix: unknown journey 'returns'; known are window-shop, search-and-buy, click-and-collect,"
                " design-your-own, flash-drop, personalised-home, order-status, hosted-payment, return"
            ),
        ),
        ({"name": "The Demo"}, ("plan The Demo: name: must be a DNS label of 1 to 40 characters: a-z, 0-9 and inner"
         " hyphens, found 'The Demo'")),
        ({"factor": 0.0}, ("plan peak: demand.factor: Input should be greater than 0, found 0.0\n"
         "plan peak: demand.peak_sessions_per_s: Input should be greater than 0, found 0.0")),
    ],
)  # fmt: skip
def test_choices_that_make_no_plan_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput) as refused:
        build_plan(with_sessions(), choices(**changes))
    assert str(refused.value) == message


def test_a_forecast_without_sessions_needs_to_be_given_the_orders_per_session() -> None:
    with pytest.raises(BadInput) as refused:
        build_plan(demo.demo_forecast(), choices())
    assert str(refused.value) == (
        "orders per session are unknown: add a column sessions to the order history and run peakproof forecast again,"
        " or give --orders-per-session, such as 0.025 for one order in 40 sessions"
    )


def test_the_committed_demo_plan_is_the_one_that_is_built() -> None:
    assert demo.PLAN_PATH.read_text(encoding="utf-8") == demo.demo_plan().to_yaml()
    assert read_plan(demo.PLAN_PATH) == demo.demo_plan()


def test_the_demo_plays_about_eleven_sessions_a_second_for_two_minutes() -> None:
    plan = demo.demo_plan()
    assert plan.demand.forecast_orders_per_hour == pytest.approx(12_000, rel=0.01)
    assert plan.demand.peak_sessions_per_s == pytest.approx(11, rel=0.02)
    assert (plan.duration_s, plan.compression, plan.judged_span()) == (180, 30, (48, 168))
    assert len(schedule(plan)) == pytest.approx(plan.curve().total, abs=4 * plan.curve().total ** 0.5)


def test_the_committed_history_is_the_one_that_is_made() -> None:
    committed = sample_history.PATH.read_bytes()
    assert len(committed) <= 400 * 1024
    rows = zip(
        csv.reader(io.StringIO(committed.decode())), csv.reader(io.StringIO(sample_history.to_csv())), strict=True
    )
    assert [pair for pair in rows if pair[0] != pair[1]] == []
    assert read_history(sample_history.PATH).hours == tuple(sample_history.generate())


def test_the_demo_s_forecast_is_argued_from_last_season_and_names_the_odd_hour() -> None:
    told = demo.demo_forecast()
    assert (told.last_season, told.year, told.peak.at) == (2025, 2026, datetime(2025, 11, 28, 12))  # noqa: DTZ001 - local
    assert told.peak.orders == pytest.approx(9_600, rel=0.01)
    assert told.low_orders_per_hour <= told.mid_orders_per_hour <= told.high_orders_per_hour
    assert [hour.at for hour in told.larger_out_of_season] == [sample_history.ODD_HOUR]


def share(keys: Iterable[int], hours: Iterable[Hour], key: str) -> list[float]:
    counted: Counter[int] = Counter()
    for hour in hours:
        counted[{"hour": hour.at.hour, "weekday": hour.at.weekday(), "week": hour.at.isocalendar().week}[key]] += (
            hour.orders
        )
    return [counted[n] for n in keys]


@pytest.mark.parametrize(("key", "keys", "least"), [("hour", range(24), 0.99), ("weekday", range(7), 0.95)])
def test_the_made_history_has_the_real_shop_s_profile(real_history: Path, key: str, keys: range, least: float) -> None:
    real = share(keys, read_history(real_history).hours, key)
    fake = share(keys, sample_history.generate(), key)
    assert np.corrcoef(real, fake)[0, 1] > least


def test_the_made_weeks_rise_into_the_season_as_the_real_shop_s(real_history: Path) -> None:
    year = [hour for hour in read_history(real_history).hours if hour.at.year == 2010]
    fake = [hour for hour in sample_history.generate() if hour.at.year == 2025]
    weeks = range(2, 50)
    assert np.corrcoef(share(weeks, year, "week"), share(weeks, fake, "week"))[0, 1] > 0.85


def test_a_storefront_with_a_mix_of_its_own_keeps_it_whatever_the_orders_a_session() -> None:
    own = Offer(
        buying={"buyer": 1.0},
        looking=("looker",),
        known=("looker", "buyer"),
        buyers=frozenset({"buyer"}),
        shares=rounded_shares({"looker": 1 / 3, "buyer": 2 / 3, "nobody": 0.0}),
    )
    plan = build_plan(demo.demo_forecast(), choices(orders_per_session=0.02, offer=own))
    assert plan.journeys == {"looker": 0.333333, "buyer": 0.666667}
    given = {"looker": 0.9, "buyer": 0.1}
    assert (
        build_plan(demo.demo_forecast(), choices(orders_per_session=0.02, offer=own, journeys=given)).journeys == given
    )
