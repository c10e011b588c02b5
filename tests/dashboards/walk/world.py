"""The stand-in shop, watched as a shop in production would be: exporters, spans, rules and a Prometheus over all.

Every location's own count is what it had less what was ordered from it: a till of its own, which the web shop's stock
is held against.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
import yaml

from exporters.spans.recorder import Recorder
from loadtests.results.run_directory import RunDirectory
from loadtests.runtime import guarded_child
from tests.ports import free_port
from tests.record_pages import record_pages
from tests.staging.harness import ENVIRONMENT, ROOT, TOKEN, Child, Replica, command, started
from tests.waiting import wait_for

WAREHOUSE, STORES = "warehouse", ("store-leeds", "store-york", "store-bath", "store-hull")
IN_WAREHOUSE, IN_STORE = 20_000, 4_000
USERS, PASSWORD = ("ann", "bob", "cid", "dee"), "correct horse"
_ENVIRONMENT = "shop"
# A page that asks the shop for its books takes longer than one of counters.
_SELDOM = {"scrape_interval": "3s", "scrape_timeout": "3s"}
# Alerts wait for minutes before they fire; what they show then is the same.
_ALERTS_WAIT = "6s"
_SOLD = """\
SELECT skus.sku AS sku, {opening} - COALESCE(sold.units, 0) AS quantity FROM skus LEFT JOIN (
  SELECT json_extract(one.value, '$.sku') AS sku, SUM(json_extract(one.value, '$.quantity')) AS units
  FROM orders, json_each(orders.lines) AS one
  WHERE orders.location = '{location}' AND orders.status IN ('pending', 'accepted') GROUP BY 1
) AS sold ON sold.sku = skus.sku
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What runs: the shop, the addresses of its helpers, and where deployments are told of."""

    shop: Replica
    database: Path
    payments: Child
    prometheus: str
    events: Path

    def deploy(self, release: str) -> None:
        """Switch the shop to a release, and tell of it as a pipeline would."""
        reply = self.shop.put("release", {"release": release})
        reply.raise_for_status()
        tell(self.events, reply.json()["version"])


def tell(events: Path, version: str) -> None:
    """Add a deployment to the file of release events."""
    event = {
        "format": "peakproof/release-event/v1",
        "event": "deployment",
        "at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "deployed_to": "production",
        "version": version,
        "commit": version.replace(".", "").ljust(40, "0"),
        "succeeded": True,
    }
    with events.open("a") as file:
        file.write(json.dumps(event) + "\n")


@contextmanager
def watched(folder: Path, prometheus: Path) -> Iterator[World]:
    """Start everything in `folder`, and end it with the block."""
    with ExitStack() as stack:
        recorder = _recorder(folder, stack)
        shop, payments = _shop(folder, recorder.url, stack)
        events = folder / "release-events.jsonl"
        tell(events, "2026.47.0")
        exporter = _exporter(folder, shop, payments.url, stack)
        pages = {
            "shop": f"{shop.admin}/metrics",
            "payments": f"{payments.url}/metrics",
            "exporters": f"{exporter}/metrics",
            "spans": recorder.metrics_url,
        }
        url = _prometheus(folder, prometheus, pages, stack)
        wait_for(lambda: _answers(f"{exporter}/metrics"), "the exporters")
        yield World(shop=shop, database=folder / "shop.db", payments=payments, prometheus=url, events=events)


def _recorder(folder: Path, stack: ExitStack) -> Recorder:
    (folder / "spans").mkdir()
    recorder = Recorder(RunDirectory(path=folder / "spans"))
    recorder.start()
    stack.callback(recorder.stop)
    return recorder


def _shop(folder: Path, otlp: str, stack: ExitStack) -> tuple[Replica, Child]:
    """Start one replica with its providers: three of ten captures get no reply, half of the webhooks come twice."""
    (folder / "accounts.csv").write_text("user,password\n" + "".join(f"{user},{PASSWORD}\n" for user in USERS))
    public, admin, pay, log_in = (free_port() for _ in range(4))
    parent = ("--otlp", otlp, "--with-parent", str(os.getpid()))
    url, payments = f"http://127.0.0.1:{public}", f"http://127.0.0.1:{pay}"
    providers = (
        command(
            "payments",
            *("--port", str(pay), "--database", f"sqlite:///{folder}/payments.db", *parent),
            *("--lost-reply-ratio", "0.3", "--repeated-webhook-ratio", "0.5"),
        ),
        command(
            "login",
            *("--port", str(log_in), "--database", f"sqlite:///{folder}/login.db", *parent),
            *("--accounts", str(folder / "accounts.csv")),
        ),
    )
    shop = command(
        "shop",
        *("--port", str(public), "--admin-port", str(admin), "--database", f"sqlite:///{folder}/shop.db"),
        *("--payments", payments, "--login", f"http://127.0.0.1:{log_in}", *parent),
        *("--database-round-trip-ms", "30"),  # what a release asks more often is then slow whatever the machine does
        *("--stock-warehouse", str(IN_WAREHOUSE), "--stock-store", str(IN_STORE)),
    )
    provider, _, _ = stack.enter_context(started(*providers, shop))
    return Replica(url, f"http://127.0.0.1:{admin}"), provider


def _exporter(folder: Path, shop: Replica, payments: str, stack: ExitStack) -> str:
    """Start the exporters of orders, inventory and releases; return the address at which they will answer."""
    (folder / "targets.yaml").write_text(yaml.safe_dump(_targets(shop, payments)))
    (folder / "exporters.yaml").write_text(yaml.safe_dump(_configuration(folder, shop)))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    program = str(Path(sys.executable).with_name("peakproof"))
    _process(folder, "exporter", [program, "exporter", "all", "--config", "exporters.yaml", "--port", str(port)], stack)
    return url


def _targets(shop: Replica, payments: str) -> dict[str, Any]:
    environment = {
        "base_url": shop.url,
        "storefront": "twisted-threads",
        "ceiling": {"requests_per_s": 100, "open_sessions": 100, "orders": 10_000},
        "shop_records": record_pages(
            orders=f"{shop.admin}/admin/orders",
            stock=f"{shop.admin}/admin/stock",
            funnel=f"{shop.admin}/admin/funnel",
            payments=f"{payments}/payments",
        ),
        "token_env": "PEAKPROOF_SHOP_TOKEN",
    }
    return {"format": "peakproof/targets/v1", "environments": {_ENVIRONMENT: environment}}


def _configuration(folder: Path, shop: Replica) -> dict[str, Any]:
    columns = {"sku": "sku", "quantity": "quantity"}
    database = {"value": f"sqlite:///{folder}/shop.db"}
    tills = {
        location: {
            "kind": "warehouse" if location == WAREHOUSE else "store",
            "sql": {"url": database, "query": _SOLD.format(opening=opening, location=location)},
            "columns": columns,
        }
        for location, opening in {WAREHOUSE: IN_WAREHOUSE, **dict.fromkeys(STORES, IN_STORE)}.items()
    }
    web_shop = {
        "http_json": {
            "url": f"{shop.admin}/admin/stock",
            "items": "stock",
            "headers": {"Authorization": {"env": "SHOP_AUTHORIZATION"}},
        },
        "columns": {**columns, "location": "location"},
    }
    return {
        "format": "peakproof/exporters/v1",
        "orders": {
            "targets": "targets.yaml",
            "environment": _ENVIRONMENT,
            "every_s": 1,
            "fulfilment": {"promise_s": 6, "print_s": 1},
        },
        "inventory": {"web_shop": web_shop, "locations": tills, "sync_within_s": 5},
        "releases": {
            "deployments": "events",
            "deployed_to": ["production"],
            "events": {"file": "release-events.jsonl"},
        },
    }


def _prometheus(folder: Path, program: Path, pages: dict[str, str], stack: ExitStack) -> str:
    """Start Prometheus over `pages`, each two seconds, with the rules of the exporters and of the objectives."""
    peakproof = str(Path(sys.executable).with_name("peakproof"))
    objectives = str(ROOT / "slo" / "objectives" / "twisted-threads.yaml")
    build = [peakproof, "rules", "build", objectives, "--config", "exporters.yaml"]
    subprocess.run(
        [*build, "--environment", _ENVIRONMENT, "--to", "rules"],
        cwd=folder, env=_variables(), check=False, capture_output=True, timeout=60,
    )  # fmt: skip
    _hasten(folder / "rules")
    scraped = [
        {
            "job_name": job,
            "honor_labels": job == "spans",
            **(_SELDOM if job == "exporters" else {}),
            "metrics_path": "/" + page.partition("://")[2].partition("/")[2],
            "static_configs": [
                {"targets": [page.partition("://")[2].partition("/")[0]], "labels": {"environment": _ENVIRONMENT}}
            ],
        }
        for job, page in pages.items()
    ]
    every_s = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "2s"}
    rules = [f"{folder}/rules/*.y*ml"]
    (folder / "prometheus.yml").write_text(
        yaml.safe_dump({"global": every_s, "rule_files": rules, "scrape_configs": scraped})
    )
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    arguments = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data", "--log.level=warn"]
    _process(folder, "prometheus", [str(program), *arguments, f"--web.listen-address=127.0.0.1:{port}"], stack)
    wait_for(lambda: _answers(f"{url}/-/ready"), "Prometheus")
    return url


def _hasten(rules: Path) -> None:
    """Let the alerts of a folder of rules fire as soon as their condition has held for some seconds."""
    for path in rules.glob("*.y*ml"):
        document = yaml.safe_load(path.read_text())
        for rule in (rule for group in document["groups"] for rule in group["rules"]):
            if "for" in rule:
                rule["for"] = _ALERTS_WAIT
        path.write_text(yaml.safe_dump(document))


def _process(folder: Path, name: str, arguments: list[str], stack: ExitStack) -> None:
    output = stack.enter_context((folder / f"{name}.log").open("wb"))
    guarded = [*guarded_child.python(str(guarded_child.__file__)), *arguments]
    process = subprocess.Popen(guarded, cwd=folder, env=_variables(), stdout=output, stderr=subprocess.STDOUT)

    def end() -> None:
        process.terminate()
        process.wait(timeout=20)

    stack.callback(end)


def _variables() -> dict[str, str]:
    return {**os.environ, **ENVIRONMENT, "SHOP_AUTHORIZATION": f"Bearer {TOKEN}"}


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        time.sleep(0.1)
        return False
