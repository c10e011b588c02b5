"""A real Prometheus counts the orders of a day; a day that it slept through isn't known."""

import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import requests

from exporters.context import ExporterContext
from exporters.serving.source import Deadline
from exporters.subjects.cost.config import CountsConfig
from exporters.subjects.cost.counts import counts_reader
from tests.ports import free_port
from tests.waiting import wait_for

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
STEP = timedelta(minutes=5)
ASLEEP = (datetime(2026, 11, 15, 3, tzinfo=UTC), datetime(2026, 11, 15, 9, tzinfo=UTC))
RESTARTED = datetime(2026, 11, 17, 12, tzinfo=UTC)
ORDERS = 'shop_orders_total{environment="production",status="accepted"}'


def history() -> str:
    """Return two weeks of a counter that grows by one every five minutes and begins anew in the middle of a day."""
    lines, count = ["# TYPE shop_orders counter"], 0
    at = datetime(2026, 11, 5, 0, 2, 30, tzinfo=UTC)
    while at < NOW:
        count = 0 if at - STEP < RESTARTED <= at else count + 1
        if not ASLEEP[0] <= at < ASLEEP[1]:
            lines.append(f"{ORDERS} {count} {at.timestamp():.3f}")
        at += STEP
    return "\n".join([*lines, "# EOF\n"])


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    prometheus, promtool = shutil.which("prometheus"), shutil.which("promtool")
    if prometheus is None or promtool is None:
        pytest.skip("no prometheus on this machine")
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "history.txt").write_text(history())
    (folder / "prometheus.yml").write_text("{}")
    blocks = [
        "tsdb",
        "create-blocks-from",
        "--max-block-duration=1440h",
        "openmetrics",
        folder / "history.txt",
        folder / "data",
    ]
    subprocess.run([promtool, *map(str, blocks)], capture_output=True, check=True)
    address = f"127.0.0.1:{free_port()}"
    command = [
        prometheus, f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}", "--storage.tsdb.retention.time=100y",
    ]  # fmt: skip
    with (folder / "log").open("wb") as log, requests.Session() as http:
        http.trust_env = False
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_for(lambda: _is_ready(http, address), "Prometheus")
            yield f"http://{address}"
        finally:
            process.kill()
            process.wait()


def _is_ready(http: requests.Session, address: str) -> bool:
    try:
        return http.get(f"http://{address}/-/ready", timeout=1).ok
    except requests.RequestException:
        return False


def test_a_day_is_counted_over_a_restart_and_not_over_a_gap(url: str, tmp_path: Path) -> None:
    config = CountsConfig.model_validate({"prometheus": {"url": url, "orders": ORDERS, "requests": "absent_total"}})
    context = ExporterContext(variables={}, folder=tmp_path, runs=tmp_path, now=lambda: round(NOW.timestamp() * 1e9))
    found = counts_reader(config, context)(Deadline(at=1e12))
    expected = {date(2026, 11, day) for day in range(6, 20)} - {ASLEEP[0].date()}
    assert found.orders.keys() - {date(2026, 11, 5)} == expected
    assert {day: round(count) for day, count in found.orders.items() if day in expected} == {
        day: 287 if day == RESTARTED.date() else 288 for day in expected
    }
    assert found.requests == {}
