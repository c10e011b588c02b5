"""Customers of the stand-in log in, pay elsewhere, meet in a flash drop and send things back: tried, run, audited."""

import csv
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from loadtests.environment.targets import redacted
from scripts.local_stack.ports import Ports
from scripts.local_stack.processes import Children
from scripts.local_stack.shop import ACCOUNTS, TOKEN_VARIABLE, Shop, start_shop
from tests.bad_input.conftest import prometheus, shop
from tests.bad_input.process import Ended, peakproof
from tests.bad_input.test_endings import PLAN
from tests.ports import free_base
from tests.scripts.world import slo

__all__ = ["prometheus", "shop"]
pytestmark = [pytest.mark.heavy, pytest.mark.timeout(240)]

MIX = {
    "window-shop": 0.2, "search-and-buy": 0.1, "flash-drop": 0.1, "personalised-home": 0.2, "order-status": 0.1,
    "hosted-payment": 0.2, "return": 0.1,
}  # fmt: skip
AT_LOGIN, AT_PAYMENTS = {"login-form", "login-submit"}, {"payment-page", "pay"}


class World:
    """A folder with what a run of all kinds of customers needs."""

    def __init__(self, folder: Path, shop: Shop, prometheus: str) -> None:
        self.folder, self.shop, self._prometheus = folder, shop, prometheus
        environment = shop.environment_with_customers().model_copy(update={"traces": False})  # its spans go elsewhere
        (folder / "targets.yaml").write_text(json.dumps(redacted("staging", environment)))
        plan = PLAN.replace("{search-and-buy: 1.0}", json.dumps(MIX))
        plan = plan.replace("10800", "28800").replace("peak_sessions_per_s: 3", "peak_sessions_per_s: 8")
        (folder / "plan.yaml").write_text(plan)
        answers = "{steps: [checkout]}"
        (folder / "objectives.yaml").write_text(slo("checkout-answers", answers, answers, target=0.5))

    def peakproof(self, *arguments: str) -> Ended:
        return peakproof(
            self.folder, *arguments, PEAKPROOF_PROMETHEUS=self._prometheus, **{TOKEN_VARIABLE: self.shop.token}
        )

    @property
    def directory(self) -> Path:
        (run,) = (self.folder / "runs").iterdir()
        return run

    def rows(self, kind: str) -> list[dict[str, Any]]:
        return [row for one in self.directory.glob(f"{kind}-*.parquet") for row in pq.read_table(one).to_pylist()]


def everything_kept(folder: Path) -> Iterator[tuple[str, str]]:
    for path in folder.rglob("*"):
        if path.is_file():
            text = json.dumps(pq.read_table(path).to_pylist(), default=str) if path.suffix == ".parquet" else ""
            yield path.name, text or path.read_text(errors="replace")


def check_cleaned_up(world: World) -> None:
    """Clean up, and see that the shop has nothing of the run any more."""
    ended = world.peakproof("cleanup", "latest")
    assert (ended.code, ended.err) == (0, ""), ended.out + ended.err
    assert "everything that the run created is gone" in ended.out.splitlines()
    rows = [json.loads(line) for line in (world.directory / "cleanup.jsonl").read_text().splitlines()]
    assert {row["outcome"] for row in rows if row["event"] == "item" and row["kind"] == "account"} == {
        "removed",
        "gone",
    }


def test_customers_of_every_kind_are_served_counted_and_kept_secret(
    tmp_path: Path, shop: Shop, prometheus: str
) -> None:
    world = World(tmp_path, shop, prometheus)
    shown = world.peakproof("plan", "show", "plan.yaml", "--on", "staging")
    assert (shown.code, f"accounts.csv has {ACCOUNTS}" in shown.out) == (0, True), shown.out + shown.err
    ended = world.peakproof("run", "plan.yaml", "--on", "staging", "--workers", "2", "--port-base", str(free_base()))
    assert ended.code == 0, ended.out + ended.err
    audited, judged = world.peakproof("audit"), world.peakproof("judge")
    assert (audited.code, judged.code) == (0, 0), audited.out + audited.err + judged.out + judged.err

    requests, sessions = world.rows("requests"), world.rows("sessions")
    assert {row["outcome"] for row in sessions} == {"completed"}
    assert {row["error"] for row in requests} == {None}
    steps: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in requests:
        steps[row["journey"]][row["step"]] += 1
    assert set(steps) == set(MIX)
    assert set(steps["personalised-home"]) >= AT_LOGIN
    assert set(steps["hosted-payment"]) >= AT_PAYMENTS
    assert steps["return"]["return-status"] == steps["return"]["return"] > 0

    check_cleaned_up(world)
    with shop.accounts.open() as file:
        secrets = {row[name] for row in csv.DictReader(file) for name in ("user", "password")}
    for name, text in everything_kept(world.directory):
        found = [secret for secret in secrets if secret in text]
        assert not found, f"{name} holds {found[0]}"


@pytest.fixture
def shop_with_little(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """Return a stand-in shop whose drop is two of each SKU."""
    monkeypatch.setattr("scripts.local_stack.shop.DROP_STOCK", 2)
    folder = tmp_path_factory.mktemp("drop")
    with Children(folder / "logs") as children:
        yield start_shop(children, folder, Ports(base=free_base()), "stable", os.environ)


def test_what_all_want_at_once_is_sold_as_often_as_it_is_there(
    tmp_path: Path, shop_with_little: Shop, prometheus: str
) -> None:
    world = World(tmp_path, shop_with_little, prometheus)
    plan = (tmp_path / "plan.yaml").read_text().replace(json.dumps(MIX), '{"flash-drop": 1.0}')
    plan = plan.replace("duration_s: 6,", "duration_s: 20,")
    (tmp_path / "plan.yaml").write_text(plan)
    ended = world.peakproof("run", "plan.yaml", "--on", "staging", "--workers", "2", "--port-base", str(free_base()))
    assert ended.code == 0, ended.out + ended.err
    assert world.peakproof("audit").code == 0
    judged = world.peakproof("judge")
    assert judged.code == 0, judged.out + judged.err  # sold out is what a drop ends in
    reasons = Counter(row["reason"] for row in world.rows("sessions"))
    assert reasons["sold_out"] > 0
    pressed = Counter(row["scheduled_at"] for row in world.rows("requests") if row["step"] == "checkout")
    assert max(pressed.values()) > 5  # over both workers, at the same nanosecond
