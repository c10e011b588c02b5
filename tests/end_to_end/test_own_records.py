"""A run whose shop records are read by SQL: of orders and stock as declared, the rest by a Python file."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from scripts.local_stack.ports import Ports
from scripts.local_stack.processes import Children
from scripts.local_stack.prometheus_binary import find_prometheus
from scripts.local_stack.shop import TOKEN_VARIABLE, start_shop
from slo.outcomes import EnvironmentLacks
from tests.end_to_end.conftest import BRIEF
from tests.ports import free_base

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(300)]
MINE = """\
from peakproof import ShopRecords


class Mine(ShopRecords):
    def payments(self, since):
        return self.sql("select payment_id, reference, amount_cents, status, created_at from payments",
                        dsn=self.settings["payments"])

    def funnel(self):
        return self.sql("select step, count(*) as sessions from happenings group by step")
"""


ORDERS = """
    select order_id, idempotency_key as request, run, status, created_at, total_cents, lines, location from orders
    where created_at >= :since"""


def by_sql() -> dict[str, Any]:
    """Return what is declared of orders and stock."""
    url = {"env": "SHOP_DSN"}
    return {
        "orders": {"sql": {"url": url, "query": ORDERS}, "fields": {"key": "request"}, "times": "ns"},
        "stock": {"sql": {"url": url, "query": "select sku, location, quantity from stock"}},
    }


class Played:
    """A run of the brief plan; `command` calls `peakproof` in its folder."""

    def __init__(self, folder: Path, variables: dict[str, str], port_base: int) -> None:
        self.folder, self.variables, self.port_base = folder, variables, port_base

    def command(self, *arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [str(Path(sys.executable).with_name("peakproof")), *arguments],
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert "Traceback" not in done.stdout + done.stderr
        return done.returncode, done.stdout + done.stderr

    @property
    def run(self) -> Path:
        (run,) = (self.folder / "runs").glob("20*")
        return run

    def document(self, name: str) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.run / name).read_text())
        return value


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    try:
        find_prometheus(os.environ, print)
    except EnvironmentLacks as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("own")
    ports = Ports(base=free_base())
    with Children(folder / "logs") as children:
        shop = start_shop(children, folder, ports, "stable", dict(os.environ))
        settings = {"dsn": {"env": "SHOP_DSN"}, "payments": f"sqlite:///{folder}/payments.sqlite"}
        environment = {
            **shop.environment().model_dump(mode="json", exclude_none=True, exclude={"shop_records"}),
            "shop_records": {**by_sql(), "file": "mine.py", "settings": settings},
        }
        targets = {"format": "peakproof/targets/v1", "environments": {"staging": environment}}
        (folder / "targets.yaml").write_text(yaml.safe_dump(targets))
        (folder / "mine.py").write_text(MINE)
        variables = {**os.environ, TOKEN_VARIABLE: shop.token, "SHOP_DSN": f"sqlite:///{shop.database}"}
        played = Played(folder, variables, ports.base)
        objectives = str(files("slo") / "objectives" / "twisted-threads.yaml")
        _, told = played.command(
            "run", str(BRIEF), "--on", "staging", "--objectives", objectives, "--port-base", str(ports.base)
        )
        assert "Mine" not in told
        assert played.document("run.json")["ended"] == "completed", told
        yield played


def test_the_audit_reads_the_shops_databases(played: Played) -> None:
    code, told = played.command("audit", "latest")
    assert code == 0, told
    counts = played.document("audit.json")["counts"]
    assert counts["payments_in_provider"] >= counts["orders_in_shop"] >= counts["accepted"] > 0
    assert {check["outcome"] for check in played.document("audit.json")["checks"]} == {"holds"}
    code, told = played.command("judge", "latest")
    assert "11 of 11 hold" in told


def test_stock_and_funnel_were_recorded_during_the_run(played: Played) -> None:
    rows = pq.read_table(played.run / "metrics" / "dashboards.parquet").select(["query", "value"]).to_pylist()
    answered = " ".join(row["query"] for row in rows if row["value"])
    assert "shop_stock_units" in answered
    assert "shop_funnel_sessions_total" in answered
    assert played.document("run.json")["shop_records"]["declares"] == ["funnel", "payments"]


def test_no_secret_of_it_is_in_the_run_directory(played: Played) -> None:
    secret = played.variables["SHOP_DSN"].encode()
    holding = [path for path in played.run.rglob("*") if path.is_file() and secret in path.read_bytes()]
    assert holding == []
