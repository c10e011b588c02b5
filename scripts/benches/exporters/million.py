"""A million series, every value changed at each scrape, scraped by Prometheus with its default timeout of 10 s.

`python -m scripts.benches.exporters.million ours|theirs` is an exporter of them: this module started as a child.
"""

import sys
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import yaml
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from exporters.serving.pages import serve
from exporters.serving.scrape import of_one_source
from loadtests.runtime.process_memory import peak_rss_bytes_of
from scripts.benches.engine.target import free_ports
from scripts.benches.exporters.bench import Bench, session
from scripts.benches.exporters.series import Stock, Values, all_others
from scripts.benches.figures import Figure, median_figure, unbounded_figure
from scripts.local_stack.processes import Child, wait_until
from scripts.local_stack.prometheus import Prometheus
from scripts.local_stack.prometheus_binary import find_prometheus
from slo.outcomes import EnvironmentLacks

SERIES = 1_000_000
_EVERY_S = 15
_START_S = 60
_ON = "1,000,000 series, every value changed; scrape timeout 10 s (the default), every 15 s; the first scrape left out"


def measure(bench: Bench) -> Sequence[Figure]:
    """Let a Prometheus of its own scrape first ours and then prometheus-client's exposition."""
    ours, ours_s, ours_mib = _scraped(bench, "ours")
    theirs, _, theirs_mib = _scraped(bench, "theirs")
    return (
        median_figure("1M series, scrapes that succeed: ours, worst", [min(ours)] * len(ours), ">=", 1.0, _ON),
        median_figure("1M series, scrapes that succeed: prometheus-client's exposition", theirs, "<=", 0.0, _ON),
        unbounded_figure("1M series: duration of a scrape of ours, s", ours_s, _ON),
        unbounded_figure("1M series: largest RSS of the exporter, ours, MiB", [ours_mib], _ON),
        unbounded_figure("1M series: largest RSS of the exporter, prometheus-client's, MiB", [theirs_mib], _ON),
    )


def _scraped(bench: Bench, side: str) -> tuple[list[float], list[float], float]:
    """Return `up` and the duration of each scrape from the second on, and the exporter's largest RSS in MiB."""
    address = bench.folder / f"{side}.address"
    exporter = bench.children.start(
        f"exporter-{side}", [sys.executable, "-m", __spec__.name, side, str(address)], folder=Path.cwd()
    )
    wait_until(address.exists, [exporter], _START_S, f"the exporter ({side})")
    prometheus, child = _prometheus(bench, side, address.read_text())
    up: list[float] = []
    took: list[float] = []
    last = ""
    while len(up) < bench.repeat + 1:
        target = session().get(f"{prometheus.url}/api/v1/targets", timeout=30).json()["data"]["activeTargets"]
        if target and target[0]["lastScrape"] != last and target[0]["health"] != "unknown":
            last = target[0]["lastScrape"]
            up.append(float(target[0]["health"] == "up"))
            _check(target[0]["lastError"])
            took.append(target[0]["lastScrapeDuration"])
        time.sleep(0.5)
    largest = _largest_rss_mib(exporter)
    child.end()
    exporter.end()
    return up[1:], took[1:], largest


def _check(error: str) -> None:
    """Raise EnvironmentLacks when a scrape failed for another reason than the time it took."""
    if error and "context deadline exceeded" not in error:
        raise EnvironmentLacks(f"a scrape failed, and not for the time it took: {error}")


def _prometheus(bench: Bench, side: str, address: str) -> tuple[Prometheus, Child]:
    config = bench.folder / f"{side}.yml"
    jobs = [{"job_name": side, "static_configs": [{"targets": [address]}]}]
    config.write_text(yaml.safe_dump({"global": {"scrape_interval": f"{_EVERY_S}s"}, "scrape_configs": jobs}))
    (port,) = free_ports(1)
    command = [
        str(find_prometheus({}, print)),
        f"--config.file={config}",
        f"--storage.tsdb.path={bench.folder / side}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    child = bench.children.start(f"prometheus-{side}", command)
    prometheus = Prometheus(f"http://127.0.0.1:{port}", child)
    wait_until(prometheus.is_ready, [child], _START_S, "Prometheus")
    return prometheus, child


def _largest_rss_mib(child: Child) -> float:
    return peak_rss_bytes_of(child.process.pid) / (1 << 20)


class _Theirs(Collector):
    """The family as prometheus-client's users make it, at each scrape."""

    def __init__(self) -> None:
        self._values = _Values()

    def describe(self) -> Iterable[Metric]:
        """Name none, so that registering makes none."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Make it anew."""
        yield self._values.stock.prometheus_clients(self._values.next())


class _Values:
    def __init__(self) -> None:
        self.stock = Stock.of(SERIES)
        self._chance = np.random.default_rng(7)
        self._values = self._chance.integers(0, 500, SERIES).astype(np.float64)

    def next(self) -> Values:
        self._values = all_others(self._values, self._chance) % 1000
        return self._values


def _export(side: str, address: Path) -> None:
    """Export until the process is ended; writes where to `address`."""
    if side == "ours":
        values = _Values()
        subject = of_one_source(
            "bench", "a million series", "memory", lambda _: values.next(), lambda now: (values.stock.ours(now),)
        )
        where = serve([replace(subject, max_series=SERIES)]).url.removeprefix("http://")
    else:
        registry = CollectorRegistry()
        registry.register(_Theirs())
        server, _ = start_http_server(0, "127.0.0.1", registry)
        where = f"127.0.0.1:{server.server_port}"
    part = address.with_suffix(".part")
    part.write_text(where)
    part.rename(address)
    threading.Event().wait()


if __name__ == "__main__":
    _export(sys.argv[1], Path(sys.argv[2]))
