"""A Prometheus that holds data for every dashboard: two environments of one shop, of which `faulty` has every fault.

`shop` is the stand-in under a short, light load test, with its exporters; `faulty` has the same exporters over records
that are in disorder, and counters of a shop of which half of all requests fail.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from exporters.alerts.table import groups
from exporters.config import read_config
from loadtests.runtime.guarded_child import python
from scripts.local_stack.ports import HOST, Ports
from scripts.local_stack.processes import Children, wait_until
from scripts.local_stack.prometheus import Prometheus, Series
from scripts.local_stack.shop import TOKEN_VARIABLE, Shop, start_shop
from scripts.rules.stack import OBJECTIVES
from slo.objectives.reading import read_objectives
from slo.rules.build import Pace, build
from slo.rules.scope import Scope
from slo.rules.write import rule_file
from tests.dashboards.feed.exporter_files import ExporterFiles
from tests.dashboards.feed.history import Past, certificates, dropped, requests_served, write_past
from tests.dashboards.feed.order_pages import order_pages
from tests.dashboards.feed.served import served
from tests.exporters.subjects.recovery.clusters import primary, standby_of
from tests.loadtests.certificates import Authority
from tests.ports import free_base, free_port
from tests.scripts.world import fake_shop

HEALTHY, FAULTY = "shop", "faulty"
ENVIRONMENTS = (HEALTHY, FAULTY)
PLAN = Path(__file__).with_name("light.yaml")
PROMETHEUS = os.environ.get("PEAKPROOF_PROMETHEUS") or shutil.which("prometheus")
_PACE = Pace(scrape_interval_s=1, interval_s=5, slow_interval_s=5)
_RUN_S = 200
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """The Prometheus, the run that filled it, and when it was played: `at` is a moment at which the load is on."""

    prometheus: Prometheus
    run: Path
    span: tuple[int, int]
    at: int

    def instant(self, query: str) -> tuple[Series, ...]:
        """Return a query's answer while the load is on."""
        return self.prometheus.instant(query, self.at)

    def range(self, query: str) -> tuple[Series, ...]:
        """Return a query's answer over the load."""
        return self.prometheus.range(query, *self.span)


@contextmanager
def filled(folder: Path) -> Iterator[Feed]:
    """Start everything, play the load, and give the Prometheus that saw it."""
    base, port, authority = free_base(), free_port(), Authority(folder / "tls")
    with (
        Children(folder / "logs") as children,
        order_pages(faulty=False) as good,
        order_pages(faulty=True) as bad,
        _page(
            [*requests_served(FAULTY, healthy=False), dropped(FAULTY), *certificates(FAULTY, int(time.time()))]
        ) as page,
        primary("wal_level=replica", "archive_mode=on", "archive_command=true", "wal_keep_size=64") as one,
        standby_of(one, "standby-1") as other,
        fake_shop({}, authority.serve(authority.sign("127.0.0.1"))) as secure,
    ):
        one.do("select pg_switch_wal()", "create table replayed ()")
        shop = start_shop(children, folder / "stand-in", Ports(base=base), "stable", os.environ)
        configs, exporters = {}, {}
        for environment, records in zip(ENVIRONMENTS, (good, bad), strict=True):
            files = ExporterFiles(
                folder=folder / environment,
                shop=_declared(shop, reachable=environment == HEALTHY),
                records_url=records,
                primary=one.url,
                standby=other.url,
                secure={"base_url": secure.url.replace("http:", "https:"), "ca": str(authority.certificate)},
                faulty=environment == FAULTY,
            )
            configs[environment] = files.write()
            exporters[environment] = _export(children, configs[environment], shop.token)
        config = _configuration(folder, base, port, exporters, page, configs)
        write_past(read_objectives([OBJECTIVES]), HEALTHY, FAULTY, int(time.time()), folder / "data")
        prometheus = _start(children, config, folder / "data", port)
        run = _play(folder, shop, base, prometheus.url)
        yield _feed(prometheus, run)


def _start(children: Children, config: Path, data: Path, port: int) -> Prometheus:
    command = [
        str(PROMETHEUS),
        f"--config.file={config}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=1y",
        f"--web.listen-address={HOST}:{port}",
        "--enable-feature=exemplar-storage",
        "--log.level=warn",
    ]
    child = children.start("prometheus", command)
    prometheus = Prometheus(f"http://{HOST}:{port}", child)
    wait_until(prometheus.is_ready, [child], 60, "Prometheus")
    return prometheus


def _declared(shop: Shop, *, reachable: bool) -> Json:
    declared = shop.environment().model_dump(mode="json", exclude_none=True)
    return declared if reachable else {**declared, "base_url": "http://127.0.0.1:9"}


def _export(children: Children, config: Path, token: str) -> str:
    """Start `peakproof exporter all`; return its address."""
    port = free_port()
    children.start(
        f"exporters-{config.parent.name}",
        [*python("-m", "scripts.cli"), "exporter", "all", "--config", str(config), "--port", str(port)],
        environment={**os.environ, TOKEN_VARIABLE: token},
        folder=config.parent,
    )
    return f"127.0.0.1:{port}"


def _configuration(
    folder: Path, base: int, port: int, exporters: Mapping[str, str], page: str, configs: Mapping[str, Path]
) -> Path:
    ports = Ports(base=base)
    shop = {
        "shop": [f"127.0.0.1:{ports.shop_admin(replica)}" for replica in range(2)],
        "payments": [f"127.0.0.1:{ports.payments}"],
        "spans": [f"127.0.0.1:{ports.recorder}"],
    }
    jobs = [_job(job, HEALTHY, targets) for job, targets in shop.items()]
    jobs += [
        _job(job, HEALTHY, [f"127.0.0.1:{ports.exporters}"], f"/metrics/{job}")
        for job in ("loadgen", "stock", "orders")
    ]
    # They read as they are scraped, and this machine may be busy.
    slow = {"scrape_interval": "2s", "scrape_timeout": "2s"}
    jobs += [{**_job("exporters", environment, [address]), **slow} for environment, address in exporters.items()]
    jobs += [_job("prometheus", HEALTHY, [f"{HOST}:{port}"])]
    jobs += [_job("shop", FAULTY, [page]), _job("gone", FAULTY, ["127.0.0.1:9"])]
    rules = folder / "rules"
    rules.mkdir()
    for environment, config in configs.items():
        scope = Scope(environment=environment)
        built = build(read_objectives([OBJECTIVES]), scope, pace=_PACE)
        (rules / f"{environment}.yml").write_text(
            rule_file([*built.groups, *groups(read_config(config), scope)], scope)
        )
    path = folder / "prometheus.yml"
    document = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "5s"},
        "rule_files": [f"{rules}/*.yml"],
        "scrape_configs": [{**job, "job_name": f"{number}"} for number, job in enumerate(jobs)],
    }
    path.write_text(yaml.safe_dump(document))
    return path


def _job(job: str, environment: str, targets: Sequence[str], path: str = "/metrics") -> Json:
    labels = {"job": job, "environment": environment}
    return {
        "metrics_path": path,
        "honor_labels": job == "spans",
        "static_configs": [{"targets": list(targets), "labels": labels}],
    }


def _faulty_page() -> list[Past]:
    return [*requests_served(FAULTY, healthy=False), dropped(FAULTY), *certificates(FAULTY, int(time.time()))]


@contextmanager
def _page(made: Sequence[Past]) -> Iterator[str]:
    """Serve series that go on as time goes by; give the address."""
    begun_s = int(time.time()) - 60

    def answer(_: str) -> bytes:
        now_s = int(time.time())
        return "".join(one.line(now_s, begun_s).rpartition(" ")[0] + "\n" for one in made).encode()

    with served(answer, "text/plain; version=0.0.4") as address:
        yield address


def _play(folder: Path, shop: Shop, base: int, prometheus: str) -> Path:
    """Play the load test, and return its run directory."""
    targets = {"format": "peakproof/targets/v1", "environments": {HEALTHY: _declared(shop, reachable=True)}}
    (folder / "targets.yaml").write_text(yaml.safe_dump(targets))
    command = [str(Path(sys.executable).with_name("peakproof")), "run", str(PLAN), "--on", HEALTHY]
    done = subprocess.run(
        [*command, "--targets", "targets.yaml", "--objectives", str(OBJECTIVES), "--port-base", str(base)],
        cwd=folder,
        env={**os.environ, TOKEN_VARIABLE: shop.token, "PEAKPROOF_PROMETHEUS_URL": prometheus},
        capture_output=True,
        text=True,
        timeout=_RUN_S,
        check=False,
    )
    found = sorted((folder / "runs").glob("*-light-*"))
    assert found, f"no run directory: {done.stdout}\n{done.stderr}"
    return found[-1]


def _feed(prometheus: Prometheus, run: Path) -> Feed:
    document = json.loads((run / "run.json").read_text())
    window = next(one for one in document["phases"] if one["kind"] == "plateau")
    return Feed(
        prometheus=prometheus,
        run=run,
        span=(document["started_at"], document["ended_at"]),
        at=window["ends_at"],
    )
