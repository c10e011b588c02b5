"""Says which keys it reads: `x` ends it by an error, `e` by an exit, a signal by an interrupt."""

import signal
import sys

from scripts.running.keyboard import Keyboard, Unsuspended


def interrupt(*_: object) -> None:
    """Take a signal like Ctrl-C."""
    raise KeyboardInterrupt


signal.signal(signal.SIGTTOU, signal.SIG_DFL)  # the shell ignores it
for one in (signal.SIGTERM, signal.SIGINT):  # which a shell that starts the tests in the background has ignored
    signal.signal(one, interrupt)
with Unsuspended(lambda line: print("told", line, flush=True)) as unsuspended:
    try:
        with Keyboard(0) as keys:
            print("ready", flush=True)
            while True:
                for key in keys.pressed(0.05):
                    print("key", key, flush=True)
                    if key == "x":
                        raise RuntimeError("a slip")
                    if key == "e":
                        sys.exit(0)
                unsuspended.explain()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
