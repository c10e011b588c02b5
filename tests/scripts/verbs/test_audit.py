"""`peakproof audit` asks the shop about every promise of a run; what can't be read is unknown, and never holds."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.results.inputs import hash_inputs
from loadtests.results.run_directory import RunDirectory, write_json
from tests.scripts.made_run import START
from tests.scripts.world import TOKEN, Command, FakeShop, fake_shop, targets

LINE = {"sku": "tee-M-black", "quantity": 1, "location": "warehouse"}


@pytest.fixture
def shop() -> Iterator[FakeShop]:
    with fake_shop({}) as shop:
        yield shop


@pytest.fixture
def run(
    made_runs: dict[str, Path], peakproof: Command, shop: FakeShop, monkeypatch: pytest.MonkeyPatch
) -> RunDirectory:
    """Return a run of two orders whose shop, provider and stock agree with what was promised."""
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    directory = RunDirectory(path=Path(shutil.copytree(made_runs["PASS"], peakproof.folder / "run")))
    directory.targets.write_text(targets(shop.url))
    document = json.loads(directory.run.read_text())
    document["workers"][0]["ledger_rows_expected"] = 4
    write_json(directory.run, {**document, "inputs": hash_inputs(directory)})
    ledger = directory.ledger("w0")
    ledger.write_text("".join(f"{row}\n" for row in ledger.read_text().splitlines()[:4]))
    stock = {"sku": "tee-M-black", "location": "warehouse"}
    write_json(directory.stock_before, stock_document({**stock, "quantity": 10}))
    shop.answers |= {
        "/admin/orders": (200, {"orders": [order(0), order(1)], "next": None}),
        "/payments": (200, {"payments": [payment(0), payment(1)], "next": None}),
        "/admin/stock": (200, stock_document({**stock, "quantity": 8})),
    }
    return directory


def stock_document(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"format": "peakproof/stock/v1", "taken_at": START, "stock": list(rows)}


def order(number: int) -> dict[str, Any]:
    return {
        "order_id": f"o{number}",
        "key": f"k{number}",
        "run": "run",
        "status": "accepted",
        "created_at": START,
        "total_cents": 9,
        "lines": [LINE],
    }


def payment(number: int, times: int = 1) -> dict[str, Any]:
    return {
        "payment_id": f"p{number}-{times}",
        "reference": f"o{number}",
        "amount_cents": 9,
        "status": "captured",
        "created_at": START,
    }


def kill(run: RunDirectory, kept: Path, **told: Any) -> None:
    """Let w0 have been killed when the last two rows of its ledger, and half a row, were in its own folder only."""
    document = json.loads(run.run.read_text())
    document["workers"][0] |= {"uploaded": True, "lost": True, "ledger_rows_expected": 2, **told}
    write_json(run.run, document)
    kept.mkdir(parents=True)
    shutil.copy(run.ledger("w0"), kept)
    with (kept / "ledger-w0.jsonl").open("a") as file:
        file.write('{"event":"att')
    run.ledger("w0").write_text("".join(f"{row}\n" for row in run.ledger("w0").read_text().splitlines()[:2]))


def outcomes(run: RunDirectory) -> dict[str, str]:
    return {check["name"]: check["outcome"] for check in json.loads(run.audit.read_text())["checks"]}


def test_a_run_whose_promises_hold_ends_with_0(run: RunDirectory, peakproof: Command, shop: FakeShop) -> None:
    ended = peakproof("audit", "run")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[0] == "holds   order-exists: all 2"
    assert set(outcomes(run).values()) == {"holds"}
    assert ("/admin/orders", {"run": ["run"], "after": ["0"], "limit": ["1000"]}, f"Bearer {TOKEN}") in shop.asked
    counts = json.loads(run.audit.read_text())["counts"]
    assert (counts["attempted"], counts["orders_in_shop"], counts["payments_in_provider"]) == (2, 2, 2)


def test_an_order_that_is_gone_ends_with_99(run: RunDirectory, peakproof: Command, shop: FakeShop) -> None:
    shop.answers["/admin/orders"] = (200, {"orders": [order(0)], "next": None})
    ended = peakproof("audit", "run")
    assert ended.code == 99
    told = "broken  order-exists: 1 of 2: order o1 was acknowledged and is not in the shop"
    assert told in ended.out.splitlines()
    assert outcomes(run)["order-exists"] == "broken"


def test_an_order_that_was_charged_twice_ends_with_99(run: RunDirectory, peakproof: Command, shop: FakeShop) -> None:
    payments = [payment(0), payment(1), payment(1, times=2)]
    shop.answers["/payments"] = (200, {"payments": payments, "next": None})
    ended = peakproof("audit", "run")
    assert ended.code == 99
    assert "broken  paid-once: 1 of 2: order o1 was paid 2 times" in ended.out.splitlines()
    assert outcomes(run)["paid-once"] == "broken"


@pytest.mark.parametrize(
    ("page", "answer", "why"),
    [
        ("/payments", (503, {}), "payments unreachable: HTTP 503"),
        ("/payments", (200, b"<html>"), "payments unreachable: not the reply expected: "),
        ("/payments", (200, {"payments": [], "next": 0}), "payments its pages don't advance"),
        ("/admin/orders", (401, {}), "orders unreachable: HTTP 401"),
        ("/admin/stock", (302, {}), "stock unreachable: HTTP 302"),
    ],
)
def test_a_source_that_can_not_be_read_is_unknown_and_ends_with_75(
    page: str, answer: tuple[int, object], why: str, run: RunDirectory, peakproof: Command, shop: FakeShop
) -> None:
    shop.answers[page] = answer
    ended = peakproof("audit", "run")
    assert ended.code == 75
    assert f": {why}" in ended.out
    assert "unknown" in outcomes(run).values()
    assert "broken" not in outcomes(run).values()
    assert peakproof("judge", "run").code == 75


def test_a_stock_that_was_not_read_before_the_run_is_unknown(run: RunDirectory, peakproof: Command) -> None:
    run.stock_before.unlink()
    ended = peakproof("audit", "run")
    assert ended.code == 75
    assert "unknown stock-moved-by-what-was-sold: stock not read before the run" in ended.out.splitlines()


def test_an_environment_that_declares_nothing_has_nothing_to_audit(run: RunDirectory, peakproof: Command) -> None:
    run.targets.write_text(targets(shop_records=None))
    ended = peakproof("audit", "run")
    told = "nothing to audit: the environment declares no orders, payments or stock\n"
    assert (ended.code, ended.out) == (75, told)


def test_a_token_that_is_not_set_is_told(
    run: RunDirectory, peakproof: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.audit.unlink()
    monkeypatch.delenv("SHOP_TOKEN")
    ended = peakproof("audit", "run")
    message = "the environment variable SHOP_TOKEN is not set; targets.yaml names it in token_env"
    assert (ended.code, ended.err) == (2, f"peakproof: {message}\n")
    assert not run.audit.exists()


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (None, "expected ns since the epoch"),
        ("now", "Input should be a valid integer"),
        ([], "Input should be a valid integer"),
        (True, "Input should be a valid integer"),
    ],
)
def test_a_run_that_does_not_say_when_it_began_is_refused(
    wrong: object, expected: str, run: RunDirectory, peakproof: Command
) -> None:
    write_json(run.run, {**json.loads(run.run.read_text()), "started_at": wrong})
    ended = peakproof("audit", "run")
    message = f"peakproof: {run.run}: started_at: {expected}, found {wrong!r}\n"
    assert (ended.code, ended.err) == (2, message)


def test_a_ledger_with_a_row_that_is_none_is_refused(run: RunDirectory, peakproof: Command) -> None:
    ledger = run.ledger("w0")
    ledger.write_text("[]\n" + ledger.read_text())
    ended = peakproof("audit", "run")
    message = f"peakproof: {ledger}: line 1: expected an object, found list\n"
    assert (ended.code, ended.err) == (2, message)


BY_ROW = ("order-exists", "order-once", "order-as-promised", "refused-not-ordered")
MISSING = (
    "ledger rows of w0 may be missing: 1 of the run's orders are in no row;"
    " complete them with `peakproof audit RUN --worker-folder FOLDER`, the folder it wrote"
)


def test_an_order_whose_row_never_arrived_blames_nobody_and_nothing_passes_over_it(
    run: RunDirectory, peakproof: Command
) -> None:
    kill(run, peakproof.folder / "uploads" / "run")
    ended = peakproof("audit", "run")
    assert (ended.code, ended.err) == (75, "")
    assert [line for line in ended.out.splitlines() if line.startswith("unknown")] == [
        f"unknown {name}: {MISSING}" for name in BY_ROW
    ]
    assert set(outcomes(run).values()) == {"unknown", "holds"}


def test_the_rows_that_a_killed_worker_kept_are_brought_over(run: RunDirectory, peakproof: Command) -> None:
    kept = peakproof.folder / "uploads" / "run"
    kill(run, kept)
    for rows in (2, 0):
        ended = peakproof("audit", "run", "--worker-folder", "uploads/run")
        assert (ended.code, ended.err) == (0, "")
        assert ended.out.splitlines()[0] == f"{rows} rows of the ledger of w0 were brought from uploads/run"
    assert (kept / "ledger-w0.jsonl").read_bytes() == run.ledger("w0").read_bytes() + b'{"event":"att'
    document = json.loads(run.run.read_text())
    assert document["workers"][0]["ledger_rows_received"] == 4
    assert document["orders"] == {"attempted": 2, "accepted": 2, "refused": 0, "unknown": 0}


def test_what_was_brought_once_is_here_for_every_later_audit(run: RunDirectory, peakproof: Command) -> None:
    kept = peakproof.folder / "uploads" / "run"
    kill(run, kept)
    assert peakproof("audit", "run", "--worker-folder", "uploads/run").code == 0
    shutil.rmtree(kept)
    assert peakproof("audit", "run").code == 0
    assert json.loads(run.run.read_text())["workers"][0]["ledger_brought"] is True


def test_what_a_first_folder_held_stands_though_a_second_is_refused(run: RunDirectory, peakproof: Command) -> None:
    kill(run, peakproof.folder / "uploads" / "run")
    assert peakproof("audit", "run", "--worker-folder", "uploads/run", "--worker-folder", "elsewhere").code == 2
    assert peakproof("audit", "run").code == 0


def test_workers_that_nobody_knows_of_may_have_left_rows_out(run: RunDirectory, peakproof: Command) -> None:
    kill(run, peakproof.folder / "uploads" / "run")
    write_json(run.run, {**json.loads(run.run.read_text()), "workers": None})
    for arguments in (("audit", "run"), ("audit", "run", "--worker-folder", "uploads/run")):
        ended = peakproof(*arguments)
        assert (ended.code, json.loads(run.run.read_text())["workers"]) == (75, None)
        assert "ledger rows of workers that run.json doesn't list may be missing" in ended.out


def test_an_order_that_no_row_tells_of_is_still_strange_when_all_rows_are_here(
    run: RunDirectory, peakproof: Command
) -> None:
    kept = peakproof.folder / "uploads" / "run"
    kill(run, kept)
    shutil.copy(run.ledger("w0"), kept)
    assert peakproof("audit", "run", "--worker-folder", "uploads/run").code == 99
    assert outcomes(run)["order-once"] == "broken"


@pytest.mark.parametrize(
    "told", [{"lost": False, "ledger_rows_expected": 4}, {"uploaded": None}, {"ledger_rows_expected": None}]
)
def test_a_ledger_that_is_not_known_to_be_whole_is_not_taken_for_whole(
    told: dict[str, Any], run: RunDirectory, peakproof: Command
) -> None:
    kill(run, peakproof.folder / "uploads" / "run", **told)
    assert peakproof("audit", "run").code == 75


def test_a_killed_worker_that_wrote_into_the_run_directory_itself_left_no_row_out(
    run: RunDirectory, peakproof: Command
) -> None:
    kill(run, peakproof.folder / "uploads" / "run", uploaded=False)
    assert peakproof("audit", "run").code == 99


def test_another_folder_than_the_one_that_the_worker_wrote_is_refused(run: RunDirectory, peakproof: Command) -> None:
    kept = peakproof.folder / "uploads" / "run"
    kill(run, kept)
    before = run.ledger("w0").read_bytes()
    other = kept.rename(kept.with_name("other"))
    empty = peakproof.folder / "empty" / "run"
    empty.mkdir(parents=True)
    changed = peakproof.folder / "changed" / "run"
    changed.mkdir(parents=True)
    (changed / "ledger-w0.jsonl").write_text("{}\n")
    for folder, message in (
        (other, f"{other}: expected the folder run that a worker of this run wrote"),
        (
            run.path,
            f"{run.path}: this is the run directory itself; a worker elsewhere has a folder of its own, uploads/RUN",
        ),
        (empty, f"{empty}: no ledger-<worker>.jsonl"),
        (
            changed,
            f"{changed}/ledger-w0.jsonl: does not begin as {run.path}/ledger-w0.jsonl, which came from this worker",
        ),
    ):
        ended = peakproof("audit", "run", "--worker-folder", str(folder))
        assert (ended.code, ended.err) == (2, f"peakproof: {message}\n")
    assert run.ledger("w0").read_bytes() == before
