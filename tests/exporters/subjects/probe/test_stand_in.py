"""Probes of the stand-in shop, from a scrape of /probe to the audit of what they bought."""

import json
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from exporters.config import ExportersConfig, pages_of, subjects
from exporters.context import ExporterContext
from exporters.serving.pages import serve
from loadtests.audit.run_audit import audit_run
from loadtests.runtime.clock import Clock
from tests.ports import free_port
from tests.record_pages import record_pages
from tests.staging.harness import TOKEN, Child, Replica, command, started

pytestmark = pytest.mark.heavy
VARIABLES = {"SHOP_TOKEN": TOKEN}
CONFIG: dict[str, Any] = {
    "format": "peakproof/exporters/v1",
    "probe": {
        "modules": {
            "browse": {"journey": "window-shop"},
            "buy": {"journey": "search-and-buy", "buys": True},
        },
        "probes": [],
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """The stand-in and its payment provider, as processes too."""

    replica: Replica
    payments: str
    process: subprocess.Popen[str]
    payments_process: Child


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    port, admin, pays = free_port(), free_port(), free_port()
    payments = command("payments", "--port", str(pays), "--database", f"sqlite:///{folder}/payments.db")
    urls = {"shop": f"http://127.0.0.1:{port}", "payments": f"http://127.0.0.1:{pays}"}
    shop = command(
        "shop",
        *("--port", str(port), "--admin-port", str(admin), "--payments", urls["payments"]),
        *("--database", f"sqlite:///{folder}/shop.db"),
    )
    with started(payments) as (pays_child,), started(shop) as (shop_child,):
        yield Shop(
            replica=Replica(urls["shop"], f"http://127.0.0.1:{admin}"),
            payments=urls["payments"],
            process=shop_child.process,
            payments_process=pays_child,
        )


@pytest.fixture
def exporter(tmp_path: Path, shop: Shop) -> Iterator[str]:
    replica, payments = shop.replica, shop.payments
    environment = {
        "base_url": replica.url,
        "storefront": "twisted-threads",
        "ceiling": {"requests_per_s": 20, "open_sessions": 2, "orders": 10},
        "shop_records": record_pages(
            orders=f"{replica.admin}/admin/orders",
            stock=f"{replica.admin}/admin/stock",
            payments=f"{payments}/payments",
        ),
        "token_env": "SHOP_TOKEN",
    }
    document = {"format": "peakproof/targets/v1", "environments": {"staging": environment}}
    (tmp_path / "targets.yaml").write_text(json.dumps(document))
    clock = Clock.start()
    context = ExporterContext(variables=VARIABLES, folder=tmp_path, runs=tmp_path / "runs", now=clock.now)
    made = subjects(ExportersConfig.model_validate(CONFIG), context)
    server = serve(made, pages=pages_of(made))
    yield server.url
    server.stop()


def probed(url: str, module: str, timeout: float = 20) -> str:
    headers = {"X-Prometheus-Scrape-Timeout-Seconds": str(timeout)}
    reply = requests.get(f"{url}/probe?target=staging&module={module}", headers=headers, timeout=40)
    assert reply.status_code == 200
    return reply.text


def value(page: str, name: str, *labels: str) -> list[float]:
    lines = [line for line in page.splitlines() if line.startswith(f"{name}{{") and all(one in line for one in labels)]
    return [float(line.rpartition(" ")[2]) for line in lines]


def test_a_healthy_shop_s_journey_is_walked_step_by_step_and_once_a_minute(exporter: str) -> None:
    page = probed(exporter, "browse")
    assert (value(page, "probe_success"), value(page, "probe_http_status_code")) == ([1.0], [200.0])
    assert len(value(page, "probe_step_duration_seconds")) >= 3
    assert probed(exporter, "browse") == page


def test_a_shop_that_hangs_is_a_failure_within_the_scrape_s_time(exporter: str, shop: Shop) -> None:
    shop.process.send_signal(signal.SIGSTOP)
    try:
        page = probed(exporter, "browse", timeout=15)
    finally:
        shop.process.send_signal(signal.SIGCONT)
    assert value(page, "probe_success") == [0.0]
    assert value(page, "probe_failed_step", 'reason="deadline"') == [1.0]


def test_what_a_probe_buys_is_an_order_of_the_shop_that_the_audit_finds(exporter: str, tmp_path: Path) -> None:
    page = probed(exporter, "buy")
    assert value(page, "probe_success") == [1.0]
    (directory,) = (tmp_path / "probes" / "staging").glob("2*")
    assert {check.name: check.outcome for check in audit_run(directory, VARIABLES)} == {
        **dict.fromkeys(("order-exists", "order-once", "order-as-promised", "paid-once", "paid-right-amount"), "holds"),
        **dict.fromkeys(("refused-not-ordered", "order-settled", "no-payment-without-order"), "holds"),
        **dict.fromkeys(("stock-moved-by-what-was-sold", "stock-not-negative"), "unknown"),  # others buy beside it
    }


def test_a_payment_provider_that_is_gone_fails_the_step_that_needs_it(exporter: str, shop: Shop) -> None:
    shop.payments_process.end()
    page = probed(exporter, "buy")
    assert value(page, "probe_success") == [0.0]
    assert value(page, "probe_failed_step", 'step="checkout"') == [1.0]
