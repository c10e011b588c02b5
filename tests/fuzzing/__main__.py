"""`make fuzz`: every parser, at length, resumable; inputs that a parser fails on are shrunk and kept in the corpus.

What was done is in build/fuzz/, by parser: started again it goes on from there, with other inputs; what failed is tried
again first. Parsers that an input of costs least come first; one that fails waits until it is mended. The figures go to
build/bench/fuzz.json.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.fuzzing.long_run import LongRun
from tests.fuzzing.summary import table, write_summary
from tests.fuzzing.table import PARSERS

_BUILD = Path(__file__).parents[2] / "build"


def main(argv: Sequence[str] | None = None) -> int:
    """Fuzz until each parser had its inputs or the time is over; 0 when every parser had them and none fails."""
    options = _options(argv)
    chosen = {name: PARSERS[name] for name in options.only or PARSERS}
    done = LongRun(parsers=chosen, wanted=options.inputs, folder=options.state, say=_say)
    for _ in done.batches(time.monotonic() + options.minutes * 60):
        if not options.only:
            write_summary(_BUILD / "bench" / "fuzz.json", done.counted, options.inputs)
    for line in table(done.counted):
        _say(line)
    return 0 if done.is_whole else 1


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz ARGUMENTS=", description=__doc__)
    parser.add_argument("--only", action="append", choices=[*PARSERS], metavar="PARSER", help="one parser, repeatable")
    parser.add_argument("--inputs", type=int, default=200_000, help="for each parser (default 200000)")
    parser.add_argument("--minutes", type=float, default=600, help="at most so long (default 600)")
    parser.add_argument("--state", type=Path, default=_BUILD / "fuzz", help="the folder that it goes on from")
    return parser.parse_args(argv)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a command


if __name__ == "__main__":
    sys.exit(main())
