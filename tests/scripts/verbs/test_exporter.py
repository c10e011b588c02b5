"""`peakproof exporter` as a process: where it listens, who is answered, what signals do, and what is refused."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import bcrypt
import pytest
import requests

from exporters.config import names
from tests.exporters.fakes import LIVE, TOKEN, samples, shop_admin
from tests.exporters.subjects.test_subjects import write_live
from tests.scripts.world import Command

RELOADED = "peakproof_exporter_config_last_reload_success_timestamp_seconds"
SUCCESSFUL = "peakproof_exporter_config_last_reload_successful"


class Exporter:
    """A process of the command under way."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def line(self) -> str:
        """Return the next line that it says."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def logged(self) -> str:
        """Return the next line of its log."""
        assert self.process.stderr is not None
        return self.process.stderr.readline().strip()


@contextmanager
def exporter(
    folder: Path, *arguments: str, program: Sequence[str] = ("-m", "scripts.cli"), **variables: str
) -> Iterator[Exporter]:
    process = subprocess.Popen(
        [sys.executable, "-P", *program, "exporter", *arguments],
        cwd=folder, env={"PATH": "/usr/bin:/bin", **variables},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield Exporter(process)
    finally:
        process.kill()
        process.communicate()


def addresses(under_way: Exporter, count: int = 1) -> list[str]:
    return [re.sub(r"^\S+: (\S+)/metrics$", r"\1", under_way.line()) for _ in range(count)]


def test_the_load_generator_is_exported_on_every_address_and_a_signal_ends_it_cleanly(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "20261127T090000Z-a-ffff"
    run.mkdir(parents=True)
    write_live(run, {**LIVE, "state": "ended"})
    both = ("--web.listen-address", "127.0.0.1:0", "--web.listen-address", "127.0.0.2:0")
    with exporter(tmp_path, "loadgen", *both) as under_way:
        for url in addresses(under_way, 2):
            found = samples(requests.get(f"{url}/metrics", timeout=30).text)
            assert (found["loadtest_open_sessions",], found[SUCCESSFUL,]) == (42, 1)
        under_way.process.send_signal(signal.SIGTERM)
        assert (under_way.line(), under_way.process.wait(30)) == ("stopped", 0)


_SLEEPS = """
import pathlib, runpy, sys, time
counted = time.perf_counter_ns
time.perf_counter_ns = lambda: counted() - 3600 * 10**9 * pathlib.Path("slept").exists()
runpy.run_module("scripts.cli", run_name="__main__")
"""


def test_after_the_machine_has_slept_for_an_hour_the_time_is_right(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "exporters.yaml").write_text("format: peakproof/exporters/v1\nloadgen: {runs: runs}\n")
    began_s = time.time()
    with exporter(tmp_path, "all", "--port", "0", program=("-c", _SLEEPS)) as under_way:
        (url,) = addresses(under_way)
        (tmp_path / "slept").touch()  # what counts ticks has missed an hour
        under_way.process.send_signal(signal.SIGHUP)
        assert under_way.logged() == "INFO the configuration was read again"
        assert samples(requests.get(f"{url}/metrics", timeout=30).text)[RELOADED,] >= began_s


def test_a_hangup_reads_the_configuration_again_and_a_broken_one_changes_nothing(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "20261127T090000Z-a-ffff"
    run.mkdir(parents=True)
    write_live(run, {**LIVE, "state": "ended"})
    file = tmp_path / "exporters.yaml"
    right = "format: peakproof/exporters/v1\nloadgen: {runs: runs}\n"
    file.write_text(right)
    with exporter(tmp_path, "all", "--port", "0") as under_way:
        (url,) = addresses(under_way)
        found = [samples(requests.get(f"{url}/metrics", timeout=30).text)]
        for text, said in (
            (right.replace("loadgen", "lodgen"), f"ERROR {file}: lodgen: unknown key; the configuration that was read"),
            (right, "INFO the configuration was read again"),
        ):
            file.write_text(text)
            under_way.process.send_signal(signal.SIGHUP)
            while not (line := under_way.logged()).startswith(said):
                assert line
            found.append(samples(requests.get(f"{url}/metrics", timeout=30).text))
    assert [one[SUCCESSFUL,] for one in found] == [1, 0, 1]
    assert [one["loadtest_open_sessions",] for one in found] == [42, 42, 42]
    first, broken, again = (one[RELOADED,] for one in found)
    assert first == broken < again


def test_a_web_configuration_protects_what_others_reach(tmp_path: Path) -> None:
    hashed = bcrypt.hashpw(b"made-up", bcrypt.gensalt(4)).decode()
    (tmp_path / "web.yml").write_text(f"basic_auth_users: {{prometheus: '{hashed}'}}\n")
    where = ("--web.listen-address", ":0", "--web.config.file", "web.yml")
    with exporter(tmp_path, "loadgen", *where) as under_way:
        (url,) = addresses(under_way)
        url = url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - what was asked for
        assert requests.get(url, timeout=30).status_code == 401
        assert requests.get(url, auth=("prometheus", "made-up"), timeout=30).status_code == 200


def test_a_page_of_the_shop_is_read_by_its_address(tmp_path: Path) -> None:
    with shop_admin() as shop:
        shop.says({"funnel": {"cart": 7}, "orders": {}, "orders_by_location": {}})
        arguments = ("orders", "--url", shop.url, "--port", "0")
        with exporter(tmp_path, *arguments, PEAKPROOF_SHOP_TOKEN=TOKEN) as under_way:
            (url,) = addresses(under_way)
            found = samples(requests.get(f"{url}/metrics/orders", timeout=30).text)
    assert found["shop_funnel_sessions_total", "cart"] == 7


def test_a_web_configuration_that_asks_nobody_is_refused_for_others(peakproof: Command) -> None:
    (peakproof.folder / "web.yml").write_text("http_server_config: {http2: false}\n")
    ended = peakproof("exporter", "loadgen", "--web.listen-address", ":0", "--web.config.file", "web.yml")
    message = "web.yml: other machines reach this server, so the file must have basic_auth_users or client_auth_type"
    assert (ended.code, ended.err) == (2, f"peakproof: {message} RequireAndVerifyClientCert\n")


def test_all_needs_a_configuration(peakproof: Command) -> None:
    ended = peakproof("exporter", "all", "--port", "0")
    assert (ended.code, ended.err.endswith("exporters.yaml: can't be read: No such file or directory\n")) == (2, True)
    (peakproof.folder / "mine.yaml").write_text("format: peakproof/exporters/v1\n")
    ended = peakproof("exporter", "all", "--config", "mine.yaml", "--port", "0")
    expected = f"peakproof: mine.yaml: no subject; expected at least one of {', '.join(names())}\n"
    assert (ended.code, ended.err) == (2, expected)


def test_an_address_goes_only_with_what_reads_a_page(peakproof: Command) -> None:
    ended = peakproof("exporter", "loadgen", "--url", "http://127.0.0.1:9")
    assert (ended.code, ended.err) == (2, "peakproof: --url goes with stock and orders, not with loadgen\n")


@pytest.mark.parametrize("text", ["9187", "127.0.0.1:http"])
def test_what_is_no_address_is_refused(text: str, peakproof: Command) -> None:
    ended = peakproof("exporter", "loadgen", "--web.listen-address", text)
    expected = f"argument --web.listen-address: expected HOST:PORT, [IPV6]:PORT or :PORT, found {text}\n"
    assert (ended.code, ended.err.endswith(expected)) == (2, True)
