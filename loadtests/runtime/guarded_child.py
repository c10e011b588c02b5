"""Run a program and end it when our parent process dies: `python guarded_child.py COMMAND…`."""

import ctypes
import os
import select
import signal
import subprocess
import sys

_POLL_S = 0.5
_GRACE_S = 5.0
_WAKEUP_BYTES = 64
_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG, prctl(2)


def main(command: list[str]) -> int:
    """Run `command` until it ends, SIGTERM comes, or our parent dies; return its exit code."""
    parent = os.getppid()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # one that comes now must reach the program too
    process = subprocess.Popen(command, preexec_fn=_begin)  # noqa: PLW1509 - no thread runs here
    signal.signal(signal.SIGTERM, lambda *_: process.send_signal(signal.SIGTERM))
    wakeup = _wakeup_descriptor()
    _take_signals()
    while process.poll() is None:
        if os.getppid() != parent:
            process.terminate()
            try:
                process.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()
        if select.select([wakeup], [], [], _POLL_S)[0]:
            os.read(wakeup, _WAKEUP_BYTES)
    return process.wait()


def _wakeup_descriptor() -> int:
    """Return a descriptor that becomes readable on any signal, so that the program's end is noticed at once."""
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    return readable


def _begin() -> None:
    """Before the program is there, in its process: take signals, and on Linux end with the guard however that ends."""
    _take_signals()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)


def _take_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def python(*arguments: str) -> list[str]:
    """Return the command line that runs a module of ours: `-P` keeps the user's folder off the import path."""
    return [sys.executable, "-P", *arguments]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
