"""The life of a process: its ready line, its end by signal or with its parent, its exit codes."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import NoReturn

EXIT_UNAVAILABLE = 75
FLUSH_LIMIT_S = 2.0


class UnavailableError(Exception):
    """Something the process needs is unavailable: a port, a database. Its text is one line for stderr."""


def announce(url: str) -> None:
    """Print the ready line: requests to `url` are answered from now on."""
    sys.stdout.write(f"ready {url}\n")
    sys.stdout.flush()


def on_stop(stop: Callable[[], object], parent: int | None) -> None:
    """Call `stop` at SIGTERM, at SIGINT and, when `parent` is given, within a second of that process's death."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop())
    if parent is not None:
        threading.Thread(target=_outlive, args=(parent, stop), name="parent", daemon=True).start()


def _outlive(parent: int, stop: Callable[[], object]) -> None:
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(1.0)
    stop()


def end(flush: Callable[[], object]) -> NoReturn:
    """Flush for at most two seconds, then leave with 0 whatever threads are left."""
    thread = threading.Thread(target=flush, name="flush", daemon=True)
    thread.start()
    thread.join(FLUSH_LIMIT_S)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def run(main: Callable[[], None]) -> None:
    """Run a composition root: what is unavailable becomes one line on stderr and exit code 75."""
    try:
        main()
    except UnavailableError as unavailable:
        sys.stderr.write(f"{' '.join(str(unavailable).split())}\n")
        sys.exit(EXIT_UNAVAILABLE)
