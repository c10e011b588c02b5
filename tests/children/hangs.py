"""A process whose event loop is watched: `python hangs.py FILE how [seconds]`; it says `up` and then hangs, or not."""

import re
import sys
import time
from pathlib import Path

import gevent

from loadtests.runtime.hang_watch import HangWatch


def loop() -> None:
    while True:
        pass


def match() -> None:
    re.match(r"(a+)+$", "a" * 60 + "b")


watch = HangWatch(Path(sys.argv[1]), float(sys.argv[3]) if len(sys.argv) > 3 else 0.6)
watch.alive()
print("up", flush=True)
if sys.argv[2] == "turns":
    ends = time.monotonic() + 3
    while time.monotonic() < ends:
        gevent.sleep(0.05)
        watch.alive()
    watch.close()
else:
    {"loops": loop, "matches": match}[sys.argv[2]]()
