"""Each wrong file, value or environment ends `peakproof` with its exit code and one message that helps.

The command is called in this process. Which values a file is refused for is tested where the file is read.
"""

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from tests.bad_input import process
from tests.bad_input.conftest import Peakproof
from tests.ports import free_base, free_port
from tests.scripts.world import PLAN, Ended, fake_shop, script, targets, write_inputs

RUN = ("run", "plan.yaml", "--on", "staging")
ACCOUNTS = {"file": "a.csv"}
MINE = """\
from peakproof import Shop, journey


class Mine(Shop):
    @journey
    def look(self):
        self.get("home", "/")
"""
CEILING = {"requests_per_s": 99, "open_sessions": 2000, "orders": 20000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is changed of good inputs, what is called, and the whole message; bytes are written as they are."""

    message: str
    code: int = 2
    arguments: tuple[str, ...] = RUN
    files: dict[str, str | bytes] = field(default_factory=dict)
    gone: str | None = None
    environment: dict[str, str] = field(default_factory=dict)


CASES = {
    "a missing plan": Case(gone="plan.yaml", message="plan.yaml: can't be read: No such file or directory"),
    "a plan with three errors": Case(
        files={"plan.yaml": PLAN.replace("seed: 7", "seed: seven").replace("name: small\n", "") + "colour: red\n"},
        message="plan.yaml: name: required and missing\n"
        "plan.yaml: seed: Input should be a valid integer, found 'seven'\n"
        "plan.yaml: colour: unknown key",
    ),
    "a plan that is not text": Case(files={"plan.yaml": b"\xff"}, message="plan.yaml: not UTF-8 at byte 0"),
    "an SLO file that is not YAML": Case(
        files={"objectives.yaml": "a: b: c"},
        message="objectives.yaml: not YAML at line 1, column 5: mapping values are not allowed in this context",
    ),
    "a missing targets file": Case(
        gone="targets.yaml", message="targets.yaml: can't be read: No such file or directory"
    ),
    "an environment that is not in the targets": Case(
        arguments=("run", "plan.yaml", "--on", "production"),
        message="targets.yaml: no environment 'production'; there are: staging",
    ),
    "a token variable that is not set": Case(
        environment={"SHOP_TOKEN": ""},
        message="the environment variable SHOP_TOKEN is not set; targets.yaml names it in token_env",
    ),
    "a plan over the ceiling": Case(
        files={"targets.yaml": targets(ceiling=CEILING)},
        message="plan.yaml: plays up to 100 requests a second; the environment's ceiling.requests_per_s is 99",
    ),
    "accounts that are doubled": Case(
        files={"targets.yaml": targets(accounts=ACCOUNTS), "a.csv": "user,password\nada,hunter2\nben,x\nAda,y\n"},
        message="FOLDER/a.csv: the same user twice: line 4 as line 2; remove one of each",
    ),
    "accounts that are empty": Case(
        files={"targets.yaml": targets(accounts=ACCOUNTS), "a.csv": "user,password\n"},
        message="FOLDER/a.csv: has no rows: only the line that names the columns",
    ),
    "accounts that are not there": Case(
        files={"targets.yaml": targets(accounts=ACCOUNTS)},
        message="FOLDER/a.csv: can't be read: No such file or directory; a worker reads it at the path that it has on"
        " the machine where the run is started",
    ),
    "fewer accounts than workers": Case(
        arguments=(*RUN, "--workers", "2"),
        files={"targets.yaml": targets(accounts=ACCOUNTS), "a.csv": "user,password\nada,hunter2\n"},
        message="FOLDER/a.csv: has 1 row for 2 workers, which share none of them; add rows, or use fewer --workers",
    ),
    "a setting without its secret": Case(
        files={
            "targets.yaml": targets(storefront={"file": "mine.py", "settings": {"key": {"env": "MINE_KEY"}}}),
            "plan.yaml": f"{PLAN.replace('search-and-buy', 'look')}visits: {{look: {{steps: {{checkout: 1}}}}}}\n",
            "mine.py": MINE,
        },
        message="the environment variable MINE_KEY is not set; targets.yaml names it in storefront.settings.key",
    ),
    "a setting whose file is not there": Case(
        files={
            "targets.yaml": targets(storefront={"file": "mine.py", "settings": {"pem": {"file": "key.pem"}}}),
            "plan.yaml": f"{PLAN.replace('search-and-buy', 'look')}visits: {{look: {{steps: {{checkout: 1}}}}}}\n",
            "mine.py": MINE,
        },
        message="FOLDER/key.pem: can't be read: No such file or directory",
    ),
    "a missing order history": Case(
        arguments=("forecast", "orders.csv"), message="orders.csv: can't be read: No such file or directory"
    ),
    "a run that is not there": Case(
        arguments=("judge", "gone"),
        message="gone: not a run directory: expected a path, a name below FOLDER/runs, or latest",
    ),
    "no run at all": Case(
        arguments=("audit",),
        message="FOLDER/runs: holds no run yet; `peakproof demo` or `peakproof gate` makes one",
    ),
    "Prometheus at a path where nothing is": Case(
        code=75,
        environment={"PEAKPROOF_PROMETHEUS": "/nowhere/prometheus"},
        message="Prometheus can't be run: /nowhere/prometheus ($PEAKPROOF_PROMETHEUS) is not a program;"
        " install it from prometheus.io and set PEAKPROOF_PROMETHEUS to the program's path",
    ),
    "Prometheus nowhere": Case(
        code=75,
        message="Prometheus is not on this machine;"
        " install it from prometheus.io and set PEAKPROOF_PROMETHEUS to the program's path",
    ),
    "an output below a file": Case(
        code=75,
        arguments=("forecast", "orders.csv", "--to", "plan.yaml/forecast.json"),
        files={"orders.csv": Path("loadtests/demand/data/twisted_threads_orders.csv").name},
        message="plan.yaml/forecast.json: can't be written: Not a directory",
    ),
    "an exporter on a port that is none": Case(
        code=75,
        arguments=("exporter", "loadgen", "--port", "99999"),
        message="can't listen on 127.0.0.1:99999: bind(): port must be 0-65535.",
    ),
}
HISTORY = Path(__file__).parents[2] / "loadtests" / "demand" / "data" / "twisted_threads_orders.csv"


def check(case: Case, folder: Path, call: Callable[..., Ended | process.Ended]) -> None:
    write_inputs(folder)
    for name, text in case.files.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    if case.code == 75 and "orders.csv" in case.files:
        (folder / "orders.csv").write_bytes(HISTORY.read_bytes())
    if case.gone is not None:
        (folder / case.gone).unlink()
    ported = (*case.arguments, "--port-base", str(free_base())) if case.arguments[0] == "run" else case.arguments
    ended = call(*ported, **{"SHOP_TOKEN": "x", **case.environment})
    assert ended.err == f"peakproof: {case.message}\n".replace("FOLDER", str(folder))
    assert ended.code == case.code
    assert not (folder / "runs").exists()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_bad_input_is_refused_with_a_whole_message(case: Case, called: Peakproof, tmp_path: Path) -> None:
    check(case, tmp_path, called)


@pytest.mark.parametrize("name", ["a missing plan", "Prometheus nowhere"])
def test_the_process_ends_with_that_code_and_message(name: str, tmp_path: Path) -> None:
    check(CASES[name], tmp_path, partial(process.peakproof, tmp_path))


def test_a_run_says_how_many_accounts_it_needs_before_anything_is_started(called: Peakproof, tmp_path: Path) -> None:
    write_inputs(tmp_path, targets=targets(accounts=ACCOUNTS))
    (tmp_path / "a.csv").write_text("user,password\nada,hunter2\n")
    nowhere = {"SHOP_TOKEN": "x", "PEAKPROOF_PROMETHEUS": "/nowhere/prometheus"}
    ended = called(*RUN, "--port-base", str(free_base()), **nowhere)
    assert (ended.code, (tmp_path / "runs").exists()) == (75, False)
    hint, *told = ended.out.splitlines()
    assert hint.startswith("a hint: a FAIL will name no cause: too few blocks")  # of so short a plan
    assert told == [
        "accounts: 0 % guests, 0 % new, 100 % returning customers",
        ("  the peak needs about 142: 20.0 returning customers/s for about 5.4 s each, at 1 s a reply; a.csv has 1"),
        "  141 too few: sessions without one are dropped (no_account); add accounts, or lower share.returning",
    ]


def test_a_missing_slo_file_is_named_once(called: Peakproof) -> None:
    ended = called("slo", "check", "objectives.yaml")
    message = "peakproof: objectives.yaml: can't be read: No such file or directory\n"
    assert (ended.code, ended.err) == (2, message)


def test_a_taken_port_is_named_with_its_use_before_anything_is_written(called: Peakproof, tmp_path: Path) -> None:
    write_inputs(tmp_path)
    port = free_base() + 10
    with socket.create_server(("127.0.0.1", port)):
        ended = called(*RUN, "--port-base", str(port - 10), SHOP_TOKEN="x")
    assert ended.code == 75
    assert ended.err == (
        f"peakproof: port {port} (Prometheus) is in use on 127.0.0.1; stop what listens there or choose others"
        f" with --port-base, such as --port-base {port + 90}\n"
    )
    assert not (tmp_path / "runs").exists()


SHOPS = {
    "HTTP 500": ({"/healthz": (500, {})}, "the shop at URL/healthz answers HTTP 500"),
    "a page that is not JSON": (
        {"/healthz": (200, b"<html>")},
        "the shop at URL/healthz doesn't say its release in the field 'version'",
    ),
    "no release": (
        {"/healthz": (200, {"version": None})},
        "the shop at URL/healthz doesn't say its release in the field 'version'",
    ),
    "a list": ({"/healthz": (200, [])}, "the shop at URL/healthz doesn't say its release in the field 'version'"),
}


@pytest.mark.parametrize(("answers", "message"), SHOPS.values(), ids=SHOPS)
def test_a_shop_that_does_not_answer_as_it_should_is_not_loaded(
    answers: dict[str, tuple[int, object]], message: str, called: Peakproof, tmp_path: Path
) -> None:
    program = script(tmp_path / "prometheus", "exit 1")
    with fake_shop(answers) as shop:
        write_inputs(tmp_path, targets=targets(shop.url))
        arguments = (*RUN, "--port-base", str(free_base()))
        ended = called(*arguments, SHOP_TOKEN="x", PEAKPROOF_PROMETHEUS=str(program))
    assert (ended.code, ended.err) == (75, f"peakproof: {message}\n".replace("URL", shop.url))
    assert not (tmp_path / "runs").exists()


def test_a_shop_that_is_not_there_is_named(called: Peakproof, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    write_inputs(tmp_path, targets=targets(url))
    program = script(tmp_path / "prometheus", "exit 1")
    arguments = (*RUN, "--port-base", str(free_base()))
    ended = called(*arguments, SHOP_TOKEN="x", PEAKPROOF_PROMETHEUS=str(program))
    why = "can't be connected to: Connection refused; start it, or correct the address"
    message = f"peakproof: base_url: {url} {why}\n"
    assert (ended.code, ended.err) == (75, message)


GOOD_SHOP: dict[str, tuple[int, object]] = {
    "/healthz": (200, {"version": "2026.47.0"}),
    "/admin/stock": (200, {"format": "peakproof/stock/v1", "taken_at": 1, "stock": []}),
}


def test_a_prometheus_that_ends_at_once_is_named_with_its_last_line_and_the_run_is_never_a_pass(
    called: Peakproof, tmp_path: Path
) -> None:
    program = script(tmp_path / "prometheus", "echo 'unknown long flag'; exit 2")
    with fake_shop(GOOD_SHOP) as shop:
        write_inputs(tmp_path, targets=targets(shop.url))
        arguments = (*RUN, "--port-base", str(free_base()))
        ended = called(*arguments, SHOP_TOKEN="x", PEAKPROOF_PROMETHEUS=str(program))
    (run,) = (tmp_path / "runs").iterdir()
    log = run / "logs" / "prometheus.log"
    message = f"Prometheus: prometheus ended with 2: unknown long flag (log: {log})"
    assert (ended.code, ended.err) == (75, f"peakproof: {message}\n")
    judged = called("judge", "latest")
    assert judged.code == 75
    assert f"the run was not completed, it failed: {message}" in (run / "verdict.json").read_text()


@pytest.mark.parametrize("answer", [(401, {}), (200, b"<html>")])
def test_a_stock_that_can_not_be_read_stops_the_run_before_any_load(
    answer: tuple[int, object], called: Peakproof, tmp_path: Path
) -> None:
    program = script(tmp_path / "prometheus", "exit 1")
    with fake_shop({**GOOD_SHOP, "/admin/stock": answer}) as shop:
        write_inputs(tmp_path, targets=targets(shop.url))
        arguments = (*RUN, "--port-base", str(free_base()))
        ended = called(*arguments, SHOP_TOKEN="x", PEAKPROOF_PROMETHEUS=str(program))
    assert ended.code == 75
    assert ended.err.startswith(f"peakproof: the stock at {shop.url}/admin/stock is unreachable: ")
    assert called("judge", "latest").code == 75
    assert {path for path, _, _ in shop.asked} == {"/healthz", "/admin/stock"}


def test_a_folder_that_can_not_be_written_is_named(called: Peakproof, tmp_path: Path) -> None:
    program = script(tmp_path / "prometheus", "exit 1")
    (tmp_path / "runs").write_text("a file")
    with fake_shop(GOOD_SHOP) as shop:
        write_inputs(tmp_path, targets=targets(shop.url))
        arguments = (*RUN, "--port-base", str(free_base()))
        ended = called(*arguments, SHOP_TOKEN="x", PEAKPROOF_PROMETHEUS=str(program))
    message = f"peakproof: {tmp_path / 'runs'}: can't be written: Not a directory\n"
    assert (ended.code, ended.err) == (75, message)
