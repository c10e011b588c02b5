"""Leaves Locust's own counts for the benchmark; stands beside the locustfile that Locust plays."""

import json
import os
from pathlib import Path
from typing import Any

from locust import events
from locust.env import Environment

from scripts.benches.engine.shop import TALLY_VARIABLE

_environments: list[Environment] = []


def write_tally(**_: Any) -> None:  # noqa: ANN401 - Locust's events
    """Leave the counts of requests and failures, when no user sends any more."""
    total = _environments[0].stats.total
    counts = {"requests": total.num_requests, "errors": total.num_failures}
    Path(os.environ[TALLY_VARIABLE]).write_text(json.dumps(counts))


events.init.add_listener(lambda environment, **_: _environments.append(environment))
events.quit.add_listener(write_tally)
