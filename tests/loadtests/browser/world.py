"""An environment that a browser may be let into, and how it is reached."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from loadtests.browser.chromium import find_chromium
from loadtests.environment.credentials import credentials_of
from loadtests.environment.destinations import resolve
from loadtests.environment.resolved_environment import ResolvedEnvironment
from loadtests.environment.targets import Environment
from slo.outcomes import EnvironmentLacks


def environment(base_url: str = "http://127.0.0.1:1", **changes: Any) -> Environment:
    """Return an environment with room for a browser."""
    facts = {
        "base_url": base_url,
        "storefront": "twisted-threads",
        "ceiling": {"requests_per_s": 1000, "open_sessions": 10, "orders": 5},
    }
    return Environment.model_validate({**facts, **changes})


def resolved(target: Environment, variables: Mapping[str, str] | None = None) -> ResolvedEnvironment:
    """Return it resolved, its secrets read."""
    credentials = credentials_of(target, variables or {})
    return ResolvedEnvironment(environment=target, destinations=resolve(target), credentials=credentials, token=None)


def real_chromium() -> Path:
    """Return this machine's Chromium; skips the test without one."""
    try:
        return find_chromium(os.environ)
    except EnvironmentLacks as lacks:
        pytest.skip(str(lacks))
