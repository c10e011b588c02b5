"""`make bench-stop`: how soon the kill URL ends a run; prints the table, writes `build/bench/stop.json`.

Each run plays 3 sessions a second against the stand-in shop; in mid-run its kill URL's page says stop.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from loadtests.results.live_document import LiveDocument, read_live
from loadtests.results.recorded_run import read_run
from loadtests.results.run_directory import RunDirectory, read_tables
from loadtests.results.schemas import REQUESTS
from scripts.benches.figures import Figure, machine_line, median_figure, missed, table, write_figures
from scripts.local_stack.ports import DEFAULT_BASE, HOST, Ports
from scripts.local_stack.processes import Children
from scripts.local_stack.shop import TOKEN_VARIABLE, Shop, start_shop, used_ports
from slo.outcomes import EnvironmentLacks, ExitCode

COMMAND = "make bench-stop"
_OBJECTIVES = Path(__file__).parents[2] / "slo" / "objectives" / "twisted-threads.yaml"
_RATE_PER_S = 3.0
_PLAYS_S = 60.0
_FIRST_S = 90.0
_LONGEST_S = 60.0
_STOPPED_BY_S = 6.0  # the page changes 4 to 6 s after the first arrival, at another fraction of a second each time
# What a stop may take, in s, and until what.
_BOUNDS = {
    "load": (2.0, "the last request was sent"),
    "generator": (2.0, "the load generator had written all and ended"),
    "command": (2.0, "the command had ended, with Prometheus' answers kept"),
}


class Switch:
    """A kill URL's page."""

    def __init__(self) -> None:
        self.says = "go on"
        self.server = ThreadingHTTPServer((HOST, 0), self._handler())

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://{HOST}:{self.server.server_port}/kill"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        switch = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = switch.says.encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


def main(arguments: Sequence[str]) -> int:
    """Stop `--repeat` runs; 0 when every median is within its bound, 75 when something is missing, else 1."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeat", type=int, default=5, help="runs (5; fewer prove nothing)")
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    parser.add_argument("--port-base", type=int, default=DEFAULT_BASE, metavar="PORT")
    options = parser.parse_args(arguments)
    try:
        figures = _measure(options.repeat, Ports(base=options.port_base))
    except EnvironmentLacks as error:
        print(f"{COMMAND}: {error}", file=sys.stderr)
        return ExitCode.INCONCLUSIVE
    machine = machine_line(f"load {os.getloadavg()[0]:.1f} at the end")
    options.folder.mkdir(parents=True, exist_ok=True)
    write_figures(options.folder / "stop.json", machine, COMMAND, figures)
    print(f"\n{machine}\n{table(figures)}\n")
    for line in (lines := missed(figures)):
        print(f"missed: {line}")
    return 1 if lines else ExitCode.OK


def _measure(repeat: int, ports: Ports) -> list[Figure]:
    ports.check_free(used_ports(ports))
    with tempfile.TemporaryDirectory(prefix="peakproof-stop-") as name, Children(Path(name) / "logs") as children:
        folder = Path(name)
        shop = start_shop(children, folder, ports, "stable", os.environ)
        runs = [_run(folder / str(turn), shop, (turn + 0.5) / repeat) for turn in range(repeat)]
    return [
        median_figure(f"stop {name}", [run[name] for run in runs], "<=", bound, f"s until {what}")
        for name, (bound, what) in _BOUNDS.items()
    ]


def _run(folder: Path, shop: Shop, turn: float) -> dict[str, float]:
    """Return the seconds from the page's change to each end; `turn`, from 0 to 1, moves it along a second."""
    folder.mkdir()
    with _served(Switch()) as switch:
        _write(folder, shop, switch.url)
        command = [sys.executable, "-P", "-m", "scripts.cli", "run", "plan.yaml", "--on", "staging"]
        variables = {**os.environ, TOKEN_VARIABLE: shop.token}
        with (folder / "said").open("wb") as said:
            process = subprocess.Popen(
                [*command, "--port-base", str(shop.ports.base)],
                cwd=folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        try:
            live = _awaited(lambda: _live(folder), process, folder)
            time.sleep(max(0.0, live.started_at / 1e9 + _STOPPED_BY_S + turn - 1 - time.time()))
            switch.says = '{"stop": true}'
            stopped_at = time.time_ns()
            process.wait(_LONGEST_S)
            ended_at = time.time_ns()
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    return _told(folder, stopped_at, ended_at)


def _told(folder: Path, stopped_at: int, ended_at: int) -> dict[str, float]:
    """Return the seconds until each end; raises EnvironmentLacks when it wasn't the kill URL that ended the run."""
    (path,) = (folder / "runs").glob("*-stopped-*")
    directory = RunDirectory(path=path)
    run = read_run(directory)
    because = str(run.ended_because)
    answers = path / "metrics" / "dashboards.parquet"
    if not because.endswith("says stop") or not answers.exists():
        raise EnvironmentLacks(f"the run wasn't stopped as it should be: {because}")
    sent = max(read_tables(directory.parts("requests"), REQUESTS)["sent_at"].to_pylist())
    ends = {"load": sent, "generator": run.ended_at or 0, "command": ended_at}
    return {name: (at - stopped_at) / 1e9 for name, at in ends.items()}


def _write(folder: Path, shop: Shop, kill_url: str) -> None:
    environment = {**shop.environment().model_dump(mode="json", exclude_none=True), "kill_url": kill_url}
    targets = {"format": "peakproof/targets/v1", "environments": {"staging": environment}}
    (folder / "targets.yaml").write_text(yaml.safe_dump(targets))
    (folder / "plan.yaml").write_text(yaml.safe_dump(_plan()))
    (folder / "objectives.yaml").write_bytes(_OBJECTIVES.read_bytes())


def _plan() -> dict[str, Any]:
    return {
        "format": "peakproof/plan/v1",
        "name": "stopped",
        "seed": 7,
        "demand": {
            "source": "a benchmark",
            "forecast_orders_per_hour": 3600 * _RATE_PER_S,
            "factor": 1.0,
            "orders_per_session": 1.0,
            "peak_sessions_per_s": _RATE_PER_S,
        },
        "phases": [
            {"name": "warm-up", "kind": "warm-up", "duration_s": 1.0, "level": [1, 1]},
            {"name": "plateau", "kind": "plateau", "duration_s": _PLAYS_S, "level": [1, 1]},
            {"name": "drain", "kind": "drain", "duration_s": 5.0},
        ],
        "journeys": {"search-and-buy": 1.0},
        "think_time": {"median_s": 0.1, "sigma": 0.3, "max_s": 0.3},
        "cart_lines": {"min": 1, "max": 3},
        "limits": {"open_sessions": 100},
    }


def _live(folder: Path) -> LiveDocument | None:
    for path in folder.glob("runs/*/live.json"):
        live = read_live(path)
        return live if live.elapsed_s > 0 else None
    return None


def _awaited(look: Callable[[], LiveDocument | None], process: subprocess.Popen[bytes], folder: Path) -> LiveDocument:
    give_up_at = time.monotonic() + _FIRST_S
    while (seen := look()) is None:
        if process.poll() is not None or time.monotonic() > give_up_at:
            raise EnvironmentLacks(f"no load began: {(folder / 'said').read_text().strip()}")
        time.sleep(0.02)
    return seen


@contextmanager
def _served(switch: Switch) -> Iterator[Switch]:
    thread = threading.Thread(target=switch.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield switch
    finally:
        switch.server.shutdown()
        thread.join()
        switch.server.server_close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
