"""How the processes start, refuse to start, and end."""

import importlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import requests

from tests.ports import free_port
from tests.staging.harness import ENVIRONMENT, ROOT, TOKEN, Replica, check_out, command, fill_cart, started
from tests.staging.test_releases import RELEASES

NOWHERE = "http://127.0.0.1:9"


def shop(folder: Path, *more: str, payments: str = NOWHERE) -> list[str]:
    """Return the command of a shop on a database in `folder`."""
    return command("shop", "--port", "0", "--payments", payments, "--database", f"sqlite:///{folder}/shop.db", *more)


def payments(folder: Path, *more: str) -> list[str]:
    """Return the command of a provider on a database in `folder`."""
    return command("payments", "--port", "0", "--database", f"sqlite:///{folder}/payments.db", *more)


def front(folder: Path, *more: str) -> list[str]:
    """Return the command of a front that logs into `folder`."""
    return command("front", "--port", "0", "--upstream", NOWHERE, "--access-log", f"{folder}/log", *more)


def outcome(arguments: Sequence[str], **environment: str) -> tuple[int, str, str]:
    """Return the exit code, stdout and stderr of a process that ends by itself."""
    done = subprocess.run(
        arguments, cwd=ROOT, env={**ENVIRONMENT, **environment}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("process", [shop, payments, front])
def test_a_taken_port_is_said_in_one_line_and_ends_with_75(process: Callable[..., list[str]], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = outcome(process(tmp_path, "--port", str(port)))
    assert (code, out, err.count("\n")) == (75, "", 1)
    assert err.startswith(f"can't listen on 127.0.0.1:{port}: ")
    assert "ddress already in use" in err


@pytest.mark.parametrize("module", ["shop", pytest.param("payments", marks=pytest.mark.heavy)])
def test_a_database_out_of_reach_is_said_in_one_line_and_ends_with_75(module: str, tmp_path: Path) -> None:
    more = ("--payments", NOWHERE) if module == "shop" else ()
    for url in (f"sqlite:///{tmp_path}/missing/shop.db", "postgresql://127.0.0.1:9/shop"):
        code, out, err = outcome(command(module, "--port", "0", "--database", url, *more))
        assert (code, out, err.count("\n")) == (75, "", 1)
        assert err.startswith("can't reach the database: ")


@pytest.mark.parametrize(
    ("arguments", "last_line"),
    [
        (("--database", "mysql://x/y"),
         "the database must be a SQLite file (sqlite:////tmp/shop.db) or PostgreSQL (postgresql://…)"),
        (("--database", "sqlite:///x", "--release", "perfect"),
         f"--release: 'perfect' is none of {', '.join(sorted(RELEASES))}"),
    ],
)  # fmt: skip
def test_an_argument_that_turns_out_wrong_ends_a_process_with_2(arguments: tuple[str, ...], last_line: str) -> None:
    code, out, err = outcome(command("shop", "--payments", NOWHERE, *arguments))
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == f"python -m staging.shop: error: {last_line}"


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Call a module's main in this process with arguments that it ends with 2 on; return the last line that it said."""

    def call(module: str, *arguments: str, token: str = TOKEN) -> str:
        monkeypatch.setattr(sys, "argv", [module, *arguments])
        monkeypatch.setenv("PEAKPROOF_SHOP_TOKEN", token)
        with pytest.raises(SystemExit) as ended:
            importlib.import_module(f"staging.{module}.__main__").main()
        out, err = capsys.readouterr()
        assert (ended.value.code, out) == (2, "")
        return err.splitlines()[-1]

    return call


@pytest.mark.parametrize(
    ("arguments", "last_line"),
    [
        (("shop", "--payments", NOWHERE), "--database: missing, and PEAKPROOF_SHOP_DATABASE is not set"),
        (("payments", "--database", "sqlite:///x", "--lost-reply-ratio", "2"),
         "argument --lost-reply-ratio: 2 is not a ratio: 0 to 1"),
        (("login", "--database", "sqlite:///x", "--port", "0"),
         "--public-url: missing, and --port 0 tells no issuer"),
        (("front", "--upstream", "there", "--access-log", "log"),
         "argument --upstream: there is not a URL such as http://127.0.0.1:18080"),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_refused(refused: Callable[..., str], arguments: tuple[str, ...], last_line: str) -> None:
    assert refused(*arguments) == f"python -m staging.{arguments[0]}: error: {last_line}"


def test_without_the_token_the_shop_does_not_start(refused: Callable[..., str], tmp_path: Path) -> None:
    told = refused("shop", "--payments", NOWHERE, "--database", f"sqlite:///{tmp_path}/shop.db", token="")
    assert "the environment variable PEAKPROOF_SHOP_TOKEN is not set" in told


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_each_process_with_0_though_nobody_takes_spans(number: signal.Signals, tmp_path: Path) -> None:
    otlp = ("--otlp", NOWHERE)
    admin = ("--admin-port", str(free_port()))
    with started(shop(tmp_path, *otlp, *admin), payments(tmp_path, *otlp), front(tmp_path)) as children:
        requests.get(f"{children[0].url}/", timeout=20)
        assert [child.end(number) for child in children] == [0, 0, 0]


def test_a_process_does_not_outlive_its_parent(tmp_path: Path) -> None:
    # A parent that starts the front with its own pid, reads its ready line, and dies.
    parent = (
        "import os, subprocess, sys\n"
        "child = subprocess.Popen([*sys.argv[1:], '--with-parent', str(os.getpid())], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "os._exit(0)\n"
    )
    reading, writing = os.pipe()
    with open(reading, "rb") as until_all_ended:  # noqa: PTH123 - a descriptor, not a path
        # The pipe's other end is held by the parent and the front alone: it closes when both are gone.
        subprocess.run(
            [sys.executable, "-c", parent, *front(tmp_path)],
            cwd=ROOT, env=ENVIRONMENT, pass_fds=(writing,), stderr=writing, check=True,
        )  # fmt: skip
        os.close(writing)
        assert until_all_ended.read() == b""


def test_an_acknowledged_order_outlives_a_killed_shop(tmp_path: Path) -> None:
    port = str(free_port())
    with started(payments(tmp_path)) as (provider,):
        replica = shop(tmp_path, "--admin-port", port, payments=provider.url)
        with started(replica) as (killed,):
            alive = Replica(killed.url, f"http://127.0.0.1:{port}")
            shopper = alive.shopper()
            fill_cart(alive, shopper, ("tearex-m-navy", 1))
            order = check_out(alive, shopper, "k").json()
            assert killed.end(signal.SIGKILL) == -signal.SIGKILL
        with started(replica) as (again,):
            found = requests.get(f"{again.url}/orders/{order['order_id']}", timeout=20)
            assert (found.status_code, found.json()) == (200, order)


def test_a_provider_that_is_away_is_503_and_the_stock_is_back(tmp_path: Path) -> None:
    port = str(free_port())
    with started(shop(tmp_path, "--admin-port", port)) as (child,):
        alone = Replica(child.url, f"http://127.0.0.1:{port}")
        shopper = alone.shopper()
        fill_cart(alone, shopper, ("tearex-m-navy", 1))
        reply = check_out(alone, shopper, "k")
        assert (reply.status_code, reply.json()) == (503, {"error": "payment_unavailable", "status": "failed"})
        assert alone.stock_of("tearex-m-navy") == 2000


def test_two_replicas_that_start_at_once_fill_one_database(tmp_path: Path) -> None:
    ports = [str(free_port()), str(free_port())]
    with started(*(shop(tmp_path, "--admin-port", port) for port in ports)) as children:
        replicas = [Replica(child.url, f"http://127.0.0.1:{port}") for child, port in zip(children, ports, strict=True)]
        stocks = [replica.get("stock").json()["stock"] for replica in replicas]
    assert len(stocks[0]) == 480 * 5
    assert stocks[0] == stocks[1]
