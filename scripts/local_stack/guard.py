"""Run a program that knows nothing of us, and end it when we are gone: `python guard.py COMMAND…`."""

import os
import signal
import subprocess
import sys
import time

_LOOK_S = 0.5
_GRACE_S = 5.0


def main(command: list[str]) -> int:
    """Run `command` until it ends, we are told to end, or our parent dies; return its exit code."""
    parent = os.getppid()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # one that comes now must reach the program too
    process = subprocess.Popen(command, preexec_fn=_take_signals)  # noqa: PLW1509 - no thread runs here
    signal.signal(signal.SIGTERM, lambda *_: process.send_signal(signal.SIGTERM))
    _take_signals()
    while process.poll() is None:
        if os.getppid() != parent:
            process.terminate()
            try:
                process.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()
        time.sleep(_LOOK_S)
    return process.wait()


def _take_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
