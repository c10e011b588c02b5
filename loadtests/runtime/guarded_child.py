"""Run a program that knows nothing of us, and end it when we are gone: `python guard.py COMMAND…`."""

import os
import select
import signal
import subprocess
import sys

_LOOK_S = 0.5
_GRACE_S = 5.0
_NOTES = 64


def main(command: list[str]) -> int:
    """Run `command` until it ends, we are told to end, or our parent dies; return its exit code."""
    parent = os.getppid()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # one that comes now must reach the program too
    process = subprocess.Popen(command, preexec_fn=_take_signals)  # noqa: PLW1509 - no thread runs here
    signal.signal(signal.SIGTERM, lambda *_: process.send_signal(signal.SIGTERM))
    ear = _ear()
    _take_signals()
    while process.poll() is None:
        if os.getppid() != parent:
            process.terminate()
            try:
                process.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()
        if select.select([ear], [], [], _LOOK_S)[0]:
            os.read(ear, _NOTES)
    return process.wait()


def _ear() -> int:
    """Return a descriptor that can be read when a signal has come: the program's end, for one, isn't waited for."""
    ear, mouth = os.pipe()
    os.set_blocking(mouth, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)
    return ear


def _take_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))


def python(*arguments: str) -> list[str]:
    """Return the command line that runs a module of ours: `-P` keeps the user's folder off the import path."""
    return [sys.executable, "-P", *arguments]
