"""The exemplars that a panel of latency offers are requests of the run, under the label that Grafana leads on from.

Grafana asks Prometheus for them with the panel's own query where the query's `exemplar` is set
(https://prometheus.io/docs/prometheus/latest/querying/api/#querying-exemplars).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import requests
import yaml

from dashboards.grafana.build import build
from dashboards.grafana.queries import Timing, expressions, fill, unchosen
from tests.dashboards.feed.filled import Feed
from tests.promtool import NEEDED

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(300), NEEDED]
SOURCES = Path(__file__).parents[3] / "docker" / "grafana" / "provisioning" / "datasources" / "peakproof.yaml"
Json = dict[str, Any]


def led_by() -> str:
    """Return the label that the stack's data source takes for the trace's id."""
    (prometheus,) = (one for one in yaml.safe_load(SOURCES.read_text())["datasources"] if one["type"] == "prometheus")
    (destination,) = prometheus["jsonData"]["exemplarTraceIdDestinations"]
    return str(destination["name"])


def exemplars(feed: Feed, board: str) -> Iterator[tuple[str, Json]]:
    """Yield the exemplars that the panels of a board offer, each with its panel's title."""
    dashboard = build()[board]
    variables = unchosen(dashboard, Timing.over(*feed.span))
    for panel, target in expressions(dashboard):
        if target["exemplar"]:
            first_s, last_s = (moment / 1e9 for moment in feed.span)
            asked: Json = {"query": fill(target["expr"], variables), "start": first_s, "end": last_s}
            answer = requests.get(f"{feed.prometheus.url}/api/v1/query_exemplars", params=asked, timeout=30).json()
            assert answer["status"] == "success", answer
            for series in answer["data"]:
                for one in series["exemplars"]:
                    yield panel["title"], {**one, "series": series["seriesLabels"]}


def test_an_exemplar_of_a_response_time_is_a_request_of_the_run_whose_spans_are_kept(feed: Feed) -> None:
    columns = ["trace_id", "step", "scheduled_at", "finished_at"]
    records = [
        row for path in feed.run.glob("requests-*.parquet") for row in pq.read_table(path, columns=columns).to_pylist()
    ]
    of_trace = {row["trace_id"]: row for row in records}
    kept = {row["trace_id"] for path in feed.run.glob("spans-*.parquet") for row in pq.read_table(path).to_pylist()}
    found = list(exemplars(feed, "peak-run"))
    assert "Response time p95 by step" in {title for title, _ in found}
    for title, one in found:
        trace = one["labels"][led_by()]
        record = of_trace[trace]
        assert (title, one["series"]["step"]) == (title, record["step"])
        assert float(one["value"]) == pytest.approx((record["finished_at"] - record["scheduled_at"]) / 1e9, abs=1e-3)
        assert trace in kept
