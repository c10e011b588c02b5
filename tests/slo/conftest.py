"""A run that passes, from which each test takes something away."""

from typing import Any

import pytest

from slo.objectives.objective import Objective
from slo.verdict.verdict import Case
from tests.slo.passing import passing_audit, passing_case, passing_run, shipped_objectives


@pytest.fixture
def shipped() -> dict[str, Objective]:
    """Return the objectives that Peakproof ships, by name."""
    return shipped_objectives()


@pytest.fixture
def run_json() -> dict[str, Any]:
    """Return a complete and valid run.json."""
    return passing_run()


@pytest.fixture
def audit_json() -> dict[str, Any]:
    """Return an audit by which every promise holds."""
    return passing_audit()


@pytest.fixture
def passing(shipped: dict[str, Objective], run_json: dict[str, Any], audit_json: dict[str, Any]) -> Case:
    """Return a case that is judged PASS."""
    return passing_case(shipped, run_json, audit_json)
