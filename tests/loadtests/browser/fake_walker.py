"""A browser's process to the eye of a run: `python fake_walker.py MODE LOG`; LOG receives its number and variables."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping

FACTS = {"program": "Fake/1", "failed": 0, "requests_blocked": 1, "requests_held": 2, "why_not_more": None}
TIMINGS = {"ttfb": 12.5, "first_contentful_paint": 40.0, "largest_contentful_paint": None, "load": 80}
PAGE = {
    "page": "home", "started_at": 10, "ended_at": 20, "status": 200, "error": None, "timings": TIMINGS, "requests": 2,
    "failed": 0, "blocked": 1, "bytes": 1500, "trace_id": "0" * 31 + "1",
}  # fmt: skip


def write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def report(pages: int, why: str | None = None, **page: object) -> None:
    seen = {**PAGE, **page} if pages else None
    write(json.dumps({"facts": {**FACTS, "pages": pages, "why_not_more": why}, "page": seen}) + "\n")


def sleep() -> None:
    time.sleep(600)


def write_on() -> None:
    while True:
        sys.stdout.write("x" * 65536)


def fail_in_a_report() -> None:
    report(4, bytes="many")
    sleep()


def write_nonsense() -> None:
    write("\xff not JSON\n")
    sleep()


def say_why() -> None:
    report(4, why="the browser hung in 3 visits in a row")


# What each mode does after three pages.
MODES: Mapping[str, Callable[[], object]] = {
    "plain": sys.stdin.read,
    "silent": sleep,
    "stubborn": sleep,
    "crash": lambda: os._exit(3),
    "nonsense": write_nonsense,
    "endless": write_on,
    "impossible": fail_in_a_report,
    "says why": say_why,
}


def main(mode: str, log: str) -> None:
    if mode == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    job = json.loads(sys.stdin.readline())
    with open(log, "w", encoding="utf-8") as file:  # noqa: PTH123 - a program of its own
        file.write(json.dumps({"pid": os.getpid(), "variables": sorted(os.environ), "job": job}) + "\n")
    for number in range(0 if mode == "silent" else 4):
        report(number)
    MODES[mode]()


if __name__ == "__main__":
    main(*sys.argv[1:])
