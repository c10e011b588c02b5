"""A real Prometheus scrapes what is served: over TLS with a password, in OpenMetrics with exemplars, packed."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bcrypt
import pytest
import requests
import yaml
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.samples import Exemplar

from exporters.names.family import Family
from exporters.serving.columns import ColumnFamily
from exporters.serving.pages import Pages, listen
from exporters.serving.protection import protected
from exporters.serving.scrape import of_one_source
from exporters.serving.web_protection import WebProtection
from scripts.local_stack.processes import Children
from tests.loadtests.certificates import Authority
from tests.ports import free_port

PROMETHEUS = os.environ.get("PEAKPROOF_PROMETHEUS") or shutil.which("prometheus")
TRACE = "0af7651916cd43dd8448eb211c80319c"
SKUS = ['tee "M"', "tee\\L", "tee\nS", *(f"sku-{n}" for n in range(2500))]
UNITS = Family(name="units", kind="gauge", help="Units.", labels=("sku",), bounded_by="the test")
pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(not PROMETHEUS, reason="prometheus is neither on PATH nor named by PEAKPROOF_PROMETHEUS"),
]


def families(scrape: int) -> Iterator[Metric]:
    yield ColumnFamily(UNITS, [SKUS], [float(scrape + n) for n in range(len(SKUS))])
    orders = CounterMetricFamily("orders", "Orders.")
    orders.add_metric([], scrape, exemplar=Exemplar({"trace_id": TRACE}, 1.0, time.time()))
    yield orders


def test_values_and_exemplars_arrive_over_tls_with_a_password(tmp_path: Path) -> None:
    scrapes = iter(range(1, 10_000))
    subject = of_one_source("fake", "a fake", "here", lambda _: next(scrapes), families)
    authority = Authority(tmp_path / "ca")
    leaf = authority.sign("127.0.0.1")
    hashed = bcrypt.hashpw(b"made-up", bcrypt.gensalt(4)).decode()
    config: dict[str, Any] = {
        "tls_server_config": {"cert_file": str(leaf.certificate), "key_file": str(leaf.key)},
        "basic_auth_users": {"prometheus": hashed},
    }
    (tmp_path / "web.yml").write_text(yaml.safe_dump(config))
    web = WebProtection(tmp_path / "web.yml")
    (server,) = listen(protected(Pages([subject]).answer, web, None), [("127.0.0.1", 0)], web=web)
    job = {
        "job_name": "fake", "scheme": "https", "scrape_interval": "1s", "scrape_timeout": "1s",
        "basic_auth": {"username": "prometheus", "password": "made-up"},
        "tls_config": {"ca_file": str(authority.certificate)},
        "static_configs": [{"targets": [server.url.removeprefix("https://")]}],
    }  # fmt: skip
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump({"scrape_configs": [job]}))
    url = f"http://127.0.0.1:{free_port()}"
    command = [
        str(PROMETHEUS),
        f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address={url.removeprefix('http://')}",
        "--enable-feature=exemplar-storage",
    ]
    with Children(tmp_path / "logs") as children:
        children.start("prometheus", command)
        ends = time.monotonic() + 60
        while not (found := asked(url, "query", query="units offset 1s")) and time.monotonic() < ends:
            time.sleep(0.2)
        up = asked(url, "query", query="min_over_time(up[1m])")
        exemplars = asked(url, "query_exemplars", query="orders_total", start="0", end="4e9")
    server.stop()
    assert {one["metric"]["sku"] for one in found} == set(SKUS)
    by_sku = {one["metric"]["sku"]: float(one["value"][1]) for one in found}
    assert {by_sku[sku] - number for number, sku in enumerate(SKUS)} == {by_sku[SKUS[0]]}
    assert [one["value"][1] for one in up] == ["1"]
    assert {one["labels"]["trace_id"] for one in exemplars[0]["exemplars"]} == {TRACE}


def asked(url: str, what: str, **fields: str) -> list[Any]:
    try:
        reply = requests.get(f"{url}/api/v1/{what}", params=fields, timeout=30).json()
    except (requests.RequestException, ValueError):
        return []
    data = reply.get("data", [])
    return list(data["result"] if isinstance(data, dict) else data)
