"""What the demand's tests share: a valid plan's data, and the real shop's file where it is at hand."""

import copy
import os
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[3]


@pytest.fixture
def plan_data(plan_facts: dict[str, Any]) -> dict[str, Any]:
    """Return a valid plan as parsed YAML, new for each test."""
    return copy.deepcopy(plan_facts)


@pytest.fixture(scope="session")
def plan_facts() -> dict[str, Any]:
    """Return the same, shared: not to be changed."""
    return {
        "format": "peakproof/plan/v1",
        "name": "holiday-peak",
        "seed": 7,
        "demand": {
            "source": "orders.csv",
            "forecast_orders_per_hour": 12000,
            "factor": 3.0,
            "orders_per_session": 0.9,
            "peak_sessions_per_s": 11.1,
        },
        "phases": [
            {"name": "reference", "kind": "reference", "duration_s": 25, "level": [0.5, 0.5]},
            {"name": "warm-up", "kind": "warm-up", "duration_s": 8, "level": [0.5, 0.5]},
            {"name": "ramp", "kind": "ramp", "duration_s": 15, "represents_s": 600, "level": [0.5, 1.0]},
            {"name": "plateau", "kind": "plateau", "duration_s": 75, "represents_s": 3000, "level": [1.0, 1.0]},
            {"name": "drain", "kind": "drain", "duration_s": 8},
        ],
        "journeys": {"search-and-buy": 0.6, "click-and-collect": 0.2, "design-your-own": 0.1, "window-shop": 0.1},
        "think_time": {"median_s": 1.2, "sigma": 0.6, "max_s": 10},
        "cart_lines": {"min": 3, "max": 9},
        "limits": {"open_sessions": 1000},
    }


@pytest.fixture
def real_history() -> Path:
    """Return the real shop's hourly orders."""
    folder = Path(os.environ.get("PEAKPROOF_SHARED") or CHECKOUT.parent / "shared")
    path = folder / "data" / "online_retail_hourly.csv"
    if not path.exists():
        pytest.skip("the shared data (PEAKPROOF_SHARED or ../shared) is not at hand")
    return path
