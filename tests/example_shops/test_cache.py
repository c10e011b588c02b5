"""A real shop is installed once a machine, and no process of it outlives the test that started it."""

import signal
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from threading import Barrier, Thread

import pytest

from tests.bad_input.process import descendants, is_alive
from tests.example_shops.cache import cache_folder, installed, ran, serving
from tests.waiting import wait_for

# A shop of two processes, which leave SIGTERM to the parent's care or, told so, to nobody's.
SHOP = """\
import os, signal, sys
from http.server import HTTPServer, BaseHTTPRequestHandler
class Shop(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(404)
        self.end_headers()
    def log_message(self, *args):
        pass
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
server = HTTPServer(("127.0.0.1", int(sys.argv[1])), Shop)
os.fork()
print("open", flush=True)
server.serve_forever()
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    file = tmp_path / "requirements.lock"
    file.write_text("django==5.2\n")
    return file


@pytest.fixture
def installations() -> list[Path]:
    return []


@pytest.fixture
def install(installations: list[Path]) -> Callable[[Path], None]:
    def install(folder: Path) -> None:
        installations.append(folder)
        time.sleep(0.05)  # long enough for others to ask
        (folder / "manage.py").touch()

    return install


def test_a_shop_is_installed_once(
    tmp_path: Path, lock: Path, install: Callable[[Path], None], installations: list[Path]
) -> None:
    folders = [installed("oscar", lock, install, root=tmp_path / "cache") for _ in range(2)]
    assert folders == [installations[0]] * 2
    assert len(installations) == 1
    assert (folders[0] / "manage.py").exists()


def test_another_lock_file_is_another_folder(tmp_path: Path, lock: Path, install: Callable[[Path], None]) -> None:
    before = installed("oscar", lock, install, root=tmp_path)
    lock.write_text("django==5.3\n")
    assert installed("oscar", lock, install, root=tmp_path) != before


def test_what_an_interrupted_installation_left_is_removed(
    tmp_path: Path, lock: Path, install: Callable[[Path], None]
) -> None:
    def interrupted(folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        installed("oscar", lock, interrupted, root=tmp_path)
    assert not (installed("oscar", lock, install, root=tmp_path) / "half").exists()


def test_those_who_ask_at_the_same_time_wait_for_one_installation(
    tmp_path: Path, lock: Path, install: Callable[[Path], None], installations: list[Path]
) -> None:
    together = Barrier(4)

    def ask() -> None:
        together.wait()
        installed("oscar", lock, install, root=tmp_path)

    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(installations) == 1


def test_the_cache_stands_where_the_variable_says() -> None:
    assert cache_folder({"PEAKPROOF_SHOPS_CACHE": "/big/disk"}) == Path("/big/disk")
    assert cache_folder({}) == Path.home() / ".cache" / "peakproof-shops"


def test_a_step_that_fails_shows_its_output(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('no such package'); raise SystemExit(3)"]
    with pytest.raises(RuntimeError, match="ended in 3:\nno such package"):
        ran(command, cwd=tmp_path, log=tmp_path / "log")


@pytest.mark.parametrize("manner", ["polite", "deaf"])
def test_a_server_answers_within_the_block_and_is_gone_after_it(
    tmp_path: Path, manner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.example_shops.cache.PATIENCE_S", 0.3)
    log = tmp_path / "log"
    with serving(lambda port: [sys.executable, "-c", SHOP, str(port), manner], cwd=tmp_path, log=log) as server:
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(server.url, timeout=20)
        wait_for(lambda: log.read_text().count("open") == 2, "both processes")
        processes = [server.process.pid, *descendants(server.process.pid)]
        assert len(processes) == 2
    assert server.process.returncode == {"polite": -signal.SIGTERM, "deaf": -signal.SIGKILL}[manner]
    wait_for(lambda: not any(is_alive(pid) for pid in processes), "the end of both processes")


def test_a_server_that_ends_early_shows_its_log(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no database')"]
    with (
        pytest.raises(RuntimeError, match="ended in 1 before it answered:\nno database"),
        serving(lambda _: command, cwd=tmp_path, log=tmp_path / "log"),
    ):
        pass


def test_a_server_that_never_answers_is_given_up(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    with (
        pytest.raises(RuntimeError, match=r"didn't answer / within 0\.3 s"),
        serving(lambda _: command, cwd=tmp_path, log=tmp_path / "log", within_s=0.3),
    ):
        pass
