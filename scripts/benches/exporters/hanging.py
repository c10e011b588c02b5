"""`/metrics` while a source hangs: an answer within the deadline, in which that source is down and the other one up."""

import re
import threading
import time
from collections.abc import Sequence

from prometheus_client.metrics_core import GaugeMetricFamily

from exporters.serving.pages import serve
from exporters.serving.scrape import Subject
from exporters.serving.source import Deadline
from scripts.benches.exporters.bench import Bench, session
from scripts.benches.figures import Figure, median_figure

_TIMEOUT_S = 2.0
_ON = f"a scrape timeout of {_TIMEOUT_S:g} s; one source of two never answers"


def measure(bench: Bench) -> Sequence[Figure]:
    """Measure how much of the scraper's timeout the answer took, and whether it says who is down."""
    never = threading.Event()

    def hangs(_: Deadline) -> float:
        never.wait()
        return 0.0

    subject: Subject[float] = Subject(
        name="bench",
        about="a source that hangs beside one that doesn't",
        sources={"hangs": hangs, "answers": lambda _: 1.0},
        families=lambda values: [GaugeMetricFamily("bench_value", "A value.", value) for value in values.values()],
    )
    server = serve([subject])
    try:
        runs = [_scrape(server.url) for _ in range(bench.repeat)]
    finally:
        never.set()
        server.stop()
    return (
        median_figure("/metrics while a source hangs: time / timeout", [took for took, _ in runs], "<=", 1.0, _ON),
        median_figure("/metrics while a source hangs: only it is down", [right for _, right in runs], ">=", 1.0, _ON),
    )


def _scrape(url: str) -> tuple[float, float]:
    began = time.monotonic()
    fields = {"X-Prometheus-Scrape-Timeout-Seconds": f"{_TIMEOUT_S:g}"}
    text = session().get(f"{url}/metrics", headers=fields, timeout=30).text
    took = time.monotonic() - began
    up = dict(re.findall(r'^bench_exporter_up\{source="(\w+)"\} (\S+)$', text, re.MULTILINE))
    is_right = up == {"hangs": "0.0", "answers": "1.0"} and "bench_value 1.0" in text
    return took / _TIMEOUT_S, float(is_right)
