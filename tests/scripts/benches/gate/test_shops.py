"""The simulated shops are what they are said to be: their bad ratio, their bursts, their sessions, their last third."""

import numpy as np
import pyarrow as pa
import pytest

from scripts.benches.gate.shops import BrokenSessions, Bursts, Independent, Late, Queue, Shop, scatter_of
from slo.objectives.indicators import Availability, Window
from slo.objectives.sources import Records
from tests.slo.objectives.request_table import RequestTable

EDGES_S = np.linspace(0.0, 90.0, 21)
SHOPS: tuple[Shop, ...] = (
    Independent(rate_per_s=40.0, bad_ratio=0.05, session_requests=8),
    Late(rate_per_s=40.0, bad_ratio=0.05),
    Bursts(rate_per_s=40.0, bad_ratio=0.05, mean_s=1.0),
    Bursts(rate_per_s=40.0, bad_ratio=0.05, mean_s=1.0, bad_within=1.0),
    BrokenSessions(sessions_per_s=5.0, bad_ratio=0.05, requests=8, think_s=1.0),
    BrokenSessions(sessions_per_s=5.0, bad_ratio=0.05, requests=8, think_s=1.0, fixed=True),
    Queue(rate_per_s=40.0, bad_ratio=0.05, utilisation=0.7),
)


@pytest.mark.parametrize("shop", SHOPS, ids=repr)
def test_a_shop_has_the_rate_and_the_bad_ratio_that_it_says(shop: Shop) -> None:
    played = shop.play(np.random.default_rng(1), 100, EDGES_S)
    assert played.events.shape == played.bad.shape == (100, 20)
    assert (played.bad <= played.events).all()
    assert played.events.mean() == pytest.approx(40 * 4.5, rel=0.02)
    assert played.bad.sum() / played.events.sum() == pytest.approx(0.05, rel=0.1)


def test_a_late_shop_is_bad_in_its_last_third_only() -> None:
    played = Late(rate_per_s=100.0, bad_ratio=0.1).play(np.random.default_rng(2), 10, np.linspace(0.0, 90.0, 4))
    assert played.bad[:, :2].sum() == 0
    assert played.bad[:, 2].sum() / played.events[:, 2].sum() == pytest.approx(0.3, rel=0.05)


def test_bursts_are_as_many_and_as_long_as_they_are_said_to_be() -> None:
    """The time in bursts varies from run to run as that of a two-state Markov process does."""
    shop = Bursts(rate_per_s=1.0, bad_ratio=0.05, mean_s=2.0)
    assert shop.bursts(90.0) == 90 * 0.05 / (0.5 * 2)
    burst_s = shop.burst_s(np.random.default_rng(3), 3000, np.array([0.0, 400.0]))[:, 0]
    share = 0.1
    assert burst_s.mean() == pytest.approx(share * 400, rel=0.03)
    assert burst_s.var() == pytest.approx(2 * share * (1 - share) * 2.0 * (1 - share) * 400, rel=0.1)


def test_a_broken_session_fails_whole() -> None:
    """So the scatter over sessions of eight requests each is eight times the binomial."""
    whole = BrokenSessions(sessions_per_s=20.0, bad_ratio=0.2, requests=8, think_s=0.01, fixed=True)
    played = whole.play(np.random.default_rng(4), 20, EDGES_S)
    assert played.session_scatter is not None
    assert float(played.session_scatter.mean()) == pytest.approx(8, rel=0.05)


def test_the_scatter_over_sessions_is_the_one_that_is_read_from_records() -> None:
    rng = np.random.default_rng(5)
    session = rng.integers(0, 30, 400)
    bad = rng.random(400) < np.where(session % 5, 0.02, 0.7)
    at = np.arange(400) * 100_000_000
    requests = pa.table(
        {
            "session": session,
            "step": ["cart"] * 400,
            "scheduled_at": at,
            "sent_at": at,
            "finished_at": at + 1000,
            "error": pa.array([None if good else "status" for good in ~bad], pa.string()),
        }
    )
    read = Availability(source=Records(steps=("cart",))).read(
        RequestTable(table=requests), pa.table({}), Window(starts_at=0, ends_at=40_000_000_000), 0.95
    )
    assert read.session_scatter == pytest.approx(scatter_of(np.bincount(session), np.bincount(session, bad)))


def test_bad_requests_at_random_scatter_no_more_over_sessions_than_chance() -> None:
    shop = Independent(rate_per_s=40.0, bad_ratio=0.05, session_requests=8)
    played = shop.play(np.random.default_rng(6), 100, EDGES_S)
    assert played.session_scatter is not None
    assert float(played.session_scatter.mean()) == pytest.approx(1, abs=0.05)
