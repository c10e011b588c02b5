"""`peakproof audit` runs a user's shop records while they are what the run was given; nothing in a run is run."""

import json
import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from loadtests.audit.sources import keep_stock, own_records
from loadtests.environment.resolved_environment import ResolvedEnvironment, resolve_environment
from loadtests.environment.targets import Environment
from loadtests.results.inputs import RecordsFile, hash_inputs, prepare
from loadtests.results.recorded_run import read_recorded
from loadtests.results.run_directory import RunDirectory, write_json
from loadtests.results.run_json import write_run
from scripts.running.read_inputs import read_inputs
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks
from tests.record_pages import record_pages
from tests.scripts.made_run import START, facts
from tests.scripts.world import Command, World, targets, write_inputs

MINE = """\
from peakproof import ShopRecords

ROW = dict(run="run", created_at="2026-11-27T12:00:00Z")


class Mine(ShopRecords):
    def orders(self, run):
        for number in range(int(self.settings["orders"])):
            yield dict(ROW, order_id=f"o{number}", key=f"k{number}", total_cents=9, lines=[("tee-M-black", 1)])
        yield dict(ROW, run="another", order_id="x", total_cents=9, lines=[("tee-M-black", 1)])

    def payments(self, since):
        for number in range(2):
            yield dict(payment_id=number, reference=f"o{number}", amount_cents=9, created_at=since)

    def stock(self):
        yield dict(sku="tee-M-black", quantity=10, reserved=self.settings["orders"])
"""
NO_PAGES: dict[str, Any] = {"token_env": None, "shop_records": None}


@pytest.fixture
def mine(peakproof: Command) -> Path:
    path = peakproof.folder / "mine.py"
    path.write_text(MINE)
    return path


@pytest.fixture
def run(made_runs: dict[str, Path], peakproof: Command, mine: Path) -> RunDirectory:
    """Return a run of two orders with which the shop records of `mine` agree."""
    directory = RunDirectory(path=Path(shutil.copytree(made_runs["PASS"], peakproof.folder / "run")))
    directory.shop_records.mkdir()
    shutil.copy(mine, directory.shop_records)
    declare(directory, mine)
    ledger = directory.ledger("w0")
    ledger.write_text("".join(f"{row}\n" for row in ledger.read_text().splitlines()[:4]))
    stock = {"sku": "tee-M-black", "location": "warehouse", "quantity": 10}
    write_json(directory.stock_before, {"format": "peakproof/stock/v1", "taken_at": START, "stock": [stock]})
    return directory


def declare(directory: RunDirectory, mine: Path, orders: int | str = 2, *declares: str, **more: Any) -> None:
    """Let a run have been given the file `mine`, which has what it `declares`, by default all."""
    shop_records = {"file": str(mine), "settings": {"orders": orders}}
    directory.targets.write_text(targets(**{**NO_PAGES, "shop_records": shop_records, **more}))
    document = json.loads(directory.run.read_text())
    document["workers"][0]["ledger_rows_expected"] = 4
    has = list(declares or ("orders", "payments", "stock"))
    write_json(
        directory.run,
        {
            **document,
            "inputs": hash_inputs(directory),
            "shop_records": {"file": "shop_records/mine.py", "declares": has},
        },
    )


def outcomes(run: RunDirectory) -> dict[str, str]:
    return {check["name"]: check["outcome"] for check in json.loads(run.audit.read_text())["checks"]}


def test_the_file_that_the_run_was_given_answers(run: RunDirectory, peakproof: Command) -> None:
    ended = peakproof("audit", "run")
    assert (ended.code, ended.err) == (0, "")
    assert set(outcomes(run).values()) == {"holds"}
    document = json.loads(run.audit.read_text())
    assert document["shop_records"] == {"sha256": sha256(MINE.encode()).hexdigest(), "as_recorded": True}
    assert (document["counts"]["orders_in_shop"], document["counts"]["orders_left_out"]) == (2, 1)


def test_what_it_has_is_what_the_verdict_wants(run: RunDirectory, mine: Path) -> None:
    assert read_recorded(run.path).declared == {"orders", "payments", "stock", "release", "traces"}
    declare(run, mine, 2, "orders", "funnel")
    assert read_recorded(run.path).declared == {"orders", "release", "traces"}
    document = json.loads(run.run.read_text())
    del document["shop_records"]
    write_json(run.run, document)
    assert read_recorded(run.path).declared == {"orders", "payments", "stock", "release", "traces"}


def test_what_it_does_not_have_is_left_out(run: RunDirectory, mine: Path, peakproof: Command) -> None:
    declare(run, mine, 2, "orders")
    assert peakproof("audit", "run").code == 0
    assert list(outcomes(run)) == [
        "order-exists",
        "order-once",
        "order-as-promised",
        "refused-not-ordered",
        "order-settled",
    ]
    assert json.loads(run.audit.read_text())["sources"]["stock"] == "not declared"


def test_a_lost_order_ends_with_99(run: RunDirectory, mine: Path, peakproof: Command) -> None:
    declare(run, mine, orders=1)
    ended = peakproof("audit", "run")
    assert ended.code == 99
    assert "broken  order-exists: 1 of 2: order o1 was acknowledged and is not in the shop" in ended.out.splitlines()


def test_an_exception_of_its_own_makes_its_checks_unknown(run: RunDirectory, mine: Path, peakproof: Command) -> None:
    declare(run, mine, "none")
    ended = peakproof("audit", "run")
    assert (ended.code, ended.err) == (75, "")
    why = "mine.py: orders(): line 8: ValueError: invalid literal for int() with base 10: 'none'"
    assert f"unknown order-exists: orders unreadable: {why}" in ended.out.splitlines()
    assert "broken" not in outcomes(run).values()


def test_a_file_that_was_changed_is_not_run_unless_it_is_named(
    run: RunDirectory, mine: Path, peakproof: Command
) -> None:
    run.audit.unlink()
    mine.write_text(MINE + "\nraise SystemExit('was run')\n")
    ended = peakproof("audit", "run")
    step = "name a file to read in its place, whatever it holds: peakproof audit RUN --shop-records FILE"
    assert (ended.code, ended.err) == (
        2,
        (
            f"peakproof: {mine}: not what the run was given: its hash isn't that of shop_records/mine.py in run.json;"
            f" {step}\n"
        ),
    )
    mine.rename(mine.with_name("other.py"))
    ended = peakproof("audit", "run")
    assert (ended.code, ended.err) == (2, f"peakproof: {mine}: can't be read: No such file or directory; {step}\n")
    assert not run.audit.exists()
    mine.write_text(MINE + "# a remark\n")
    assert peakproof("audit", "run", "--shop-records", str(mine)).code == 0
    assert json.loads(run.audit.read_text())["shop_records"] == {
        "sha256": sha256(mine.read_bytes()).hexdigest(),
        "as_recorded": False,
    }


@pytest.mark.usefixtures("run")
def test_another_file_that_has_less_than_the_run_s_makes_those_checks_unknown(mine: Path, peakproof: Command) -> None:
    mine.write_text(MINE.replace("def payments", "def bills"))
    ended = peakproof("audit", "run", "--shop-records", str(mine))
    assert ended.code == 75
    why = "mine.py: payments(): the file has none"
    assert f"unknown paid-once: payments unreadable: {why}" in ended.out.splitlines()


@pytest.mark.usefixtures("run")
def test_a_file_that_can_not_be_loaded_makes_its_checks_unknown(mine: Path, peakproof: Command) -> None:
    mine.write_text("import nothing_of_that_name")
    ended = peakproof("audit", "run", "--shop-records", str(mine))
    assert ended.code == 75
    why = (
        "mine.py: line 1: ModuleNotFoundError: No module named 'nothing_of_that_name': install it beside peakproof, and"
        " on each machine of a worker"
    )
    assert f"unknown stock-not-negative: stock unreadable: {why}" in ended.out.splitlines()


def test_nothing_in_the_run_directory_is_run(run: RunDirectory, peakproof: Command) -> None:
    copy = run.shop_records / "mine.py"
    ended = peakproof("audit", "run", "--shop-records", str(copy))
    message = f"{copy}: lies in the run directory, from which no code is run; look at it and copy it out"
    assert (ended.code, ended.err) == (2, f"peakproof: {message}\n")


def test_a_file_is_named_only_where_the_environment_declares_one(
    run: RunDirectory, mine: Path, peakproof: Command
) -> None:
    declare(run, mine, shop_records=None)
    ended = peakproof("audit", "run", "--shop-records", str(mine))
    message = f"{mine}: the environment of this run declares no file of shop_records"
    assert (ended.code, ended.err) == (2, f"peakproof: {message}\n")


def test_a_setting_that_is_a_secret_must_be_there(run: RunDirectory, mine: Path, peakproof: Command) -> None:
    declare(run, mine, shop_records={"file": str(mine), "settings": {"orders": {"env": "NOT_SET_HERE"}}})
    ended = peakproof("audit", "run")
    message = "the environment variable NOT_SET_HERE is not set; targets.yaml names it in shop_records.settings.orders"
    assert (ended.code, ended.err) == (2, f"peakproof: {message}\n")


# -- before the run -------------------------------------------------------------------------------------------------


def resolved(folder: Path, **changed: Any) -> ResolvedEnvironment:
    text = targets("http://127.0.0.1:9", **{**NO_PAGES, **changed})
    environment = Environment.model_validate(json.loads(text)["environments"]["staging"])
    return resolve_environment(environment.anchored(folder), {})


def test_a_run_keeps_the_file_and_what_it_has(mine: Path, peakproof: Command) -> None:
    declared: dict[str, Any] = {**NO_PAGES, "shop_records": {"file": "mine.py", "settings": {"orders": 2}}}
    write_inputs(peakproof.folder, targets=targets(**declared))
    files = [peakproof.folder / f"{name}.yaml" for name in ("plan", "objectives", "targets")]
    inputs = read_inputs(files[0], (files[1],), files[2], "staging")
    world = World(folder=peakproof.folder)
    file = own_records(inputs.environment, world.environment)
    assert file == RecordsFile(path=mine, text=MINE, declares=frozenset({"orders", "payments", "stock"}))
    mine.write_text("changed meanwhile")
    inputs = replace(inputs, records=file)
    directory = prepare(inputs, world.context().runs)
    assert (directory.shop_records / "mine.py").read_text() == MINE
    document = write_run(directory, inputs, *facts())
    assert (document.inputs or {})["shop_records/mine.py"] == file.sha256
    assert json.loads(directory.run.read_text())["shop_records"] == {
        "file": "shop_records/mine.py",
        "declares": ["orders", "payments", "stock"],
    }
    assert inputs.declared == {"orders", "payments", "stock", "release", "traces"}


def test_records_that_are_declared_twice_are_refused(mine: Path, peakproof: Command) -> None:
    shop_records = {"file": "mine.py", **record_pages(stock="http://127.0.0.1:9/x")}
    environment = resolved(peakproof.folder, shop_records=shop_records)
    with pytest.raises(BadInput) as refusal:
        own_records(environment.environment, {})
    assert str(refusal.value) == f"{mine}: has stock(), and shop_records declares stock: keep one of them"


def test_a_file_that_is_none_is_refused_before_the_run(mine: Path, peakproof: Command) -> None:
    mine.write_text("class Mine(")
    environment = resolved(peakproof.folder, shop_records={"file": "mine.py"})
    with pytest.raises(BadInput) as refusal:
        own_records(environment.environment, {})
    assert str(refusal.value) == f"{mine}: line 1: '(' was never closed: class Mine("


@pytest.mark.parametrize("orders", [3, "none"])
def test_the_stock_before_the_run_is_read_through_it(orders: Any, mine: Path, peakproof: Command) -> None:
    environment = resolved(peakproof.folder, shop_records={"file": "mine.py", "settings": {"orders": orders}})
    file = RecordsFile.read(mine, frozenset({"stock"}))
    directory = RunDirectory(path=peakproof.folder)
    if orders == "none":
        with pytest.raises(EnvironmentLacks) as lacks:
            keep_stock(directory, environment, file, {})
        why = "row 1: reserved: must be a whole number, found 'none'"
        assert str(lacks.value) == f"the stock is unreadable: mine.py: stock(): {why}"
        return
    keep_stock(directory, environment, file, {})
    assert json.loads(directory.stock_before.read_text())["stock"] == [
        {"sku": "tee-M-black", "location": "warehouse", "quantity": 10, "reserved": 3}
    ]


def test_a_run_directory_that_names_a_file_of_its_own_has_none_of_its_code_run(
    run: RunDirectory, peakproof: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who made the directory wrote the path and the hash, too."""
    monkeypatch.chdir(peakproof.folder)
    ran = peakproof.folder / "ran"
    copy = Path("run") / "shop_records" / "mine.py"
    copy.write_text(f"open({str(ran)!r}, 'w')\n{MINE}")
    declare(run, copy)
    ended = peakproof("audit", "run")
    assert (ended.code, ended.out, ran.exists()) == (2, "", False)
    assert "mine.py: lies in the run directory, from which no code is run; look at it and copy it out" in ended.err
