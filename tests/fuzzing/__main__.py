"""`make fuzz`: every parser, at length, resumable; inputs that a parser fails on are shrunk and kept in the corpus.

What was done is in build/fuzz/state.json, by parser: started again it goes on from there, with other inputs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loadtests.results.run_directory import write_json
from tests.fuzzing.batch import SCRATCH_BYTES, held_in
from tests.fuzzing.mutation import shrunk
from tests.fuzzing.parser import Parser, kind_of, why_wrong
from tests.fuzzing.table import PARSERS

_ROOT = Path(__file__).parents[2]
_BATCH = 25_000
_LONGEST_S = 900.0


def main(argv: Sequence[str] | None = None) -> int:
    """Fuzz until each parser had its inputs or the time is over; 0 when every parser had them and none failed."""
    options = _options(argv)
    state_file = options.state
    state: dict[str, Any] = json.loads(state_file.read_text()) if state_file.exists() else {}
    ends_at = time.monotonic() + options.minutes * 60
    chosen = [PARSERS[name] for name in options.only or PARSERS]
    failed = 0
    while time.monotonic() < ends_at:
        left = [one for one in chosen if state.get(one.name, {}).get("inputs", 0) < options.inputs]
        if not left:
            break
        parser = min(left, key=lambda one: state.get(one.name, {}).get("inputs", 0))
        failed += _batch(parser, state.setdefault(parser.name, _fresh()), options.inputs)
        state_file.parent.mkdir(parents=True, exist_ok=True)
        write_json(state_file, state)
    _print(chosen, state)
    whole = all(state.get(one.name, {}).get("inputs", 0) >= options.inputs for one in chosen)
    return 0 if whole and not failed and not any(state[one.name]["wrong"] for one in chosen) else 1


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz ARGUMENTS=", description=__doc__)
    parser.add_argument("--only", action="append", choices=[*PARSERS], metavar="PARSER", help="one parser, repeatable")
    parser.add_argument("--inputs", type=int, default=200_000, help="for each parser (default 200000)")
    parser.add_argument("--minutes", type=float, default=600, help="at most so long (default 600)")
    parser.add_argument(
        "--state", type=Path, default=_ROOT / "build" / "fuzz" / "state.json", help="where it goes on from"
    )
    return parser.parse_args(argv)


def _fresh() -> dict[str, Any]:
    return {"inputs": 0, "cpu_s": 0.0, "slowest_s": 0.0, "kept": 0, "wrong": {}}


def _batch(parser: Parser, state: dict[str, Any], wanted: int) -> int:
    """Run one batch of a parser and add it to what is known; return how many kinds of failure were new."""
    inputs = min(_BATCH, wanted - state["inputs"])
    with tempfile.TemporaryDirectory(prefix="peakproof-fuzz-") as folder:
        scratch = Path(folder) / "input"
        scratch.write_bytes(bytes(SCRATCH_BYTES))
        command = [
            sys.executable,
            "-m",
            "tests.fuzzing.batch",
            parser.name,
            str(state["inputs"]),
            str(inputs),
            str(scratch),
        ]
        try:
            done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=_LONGEST_S, check=False)
            found = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None
            why = f"its process ended with {done.returncode}: {done.stderr[-300:]}"
        except (subprocess.TimeoutExpired, IndexError, ValueError):
            found, why = None, "its process didn't end"
        if found is None:
            found = {"inputs": 1, "cpu_s": 0.0, "slowest_s": 0.0, "kept": 0, "wrong": {why: held_in(scratch).hex()}}
    state["inputs"] += found["inputs"]
    state["cpu_s"] += found["cpu_s"]
    state["slowest_s"] = max(state["slowest_s"], found["slowest_s"])
    state["kept"] = max(state["kept"], found["kept"])
    return sum(_keep(parser, why, bytes.fromhex(data), state["wrong"]) for why, data in found["wrong"].items())


def _keep(parser: Parser, why: str, data: bytes, known: dict[str, str]) -> bool:
    """Shrink a failing input and write it into the corpus, unless its kind is known; return whether it was new."""
    if why in known:
        return False
    if "process" not in why:  # what ends the process would end this one
        data = shrunk(data, lambda shorter: kind_of(why_wrong(parser, shorter) or "") == why)
    path = parser.keep(data)
    known[why] = path.name
    print(f"{parser.name}: {why} ({path.relative_to(_ROOT)})", flush=True)  # noqa: T201 - a command
    return True


def _print(chosen: Sequence[Parser], state: dict[str, Any]) -> None:
    print(f"{'parser':22} {'inputs':>9} {'a CPU second':>13} {'slowest':>10} {'failures':>9}")  # noqa: T201 - a command
    for one in chosen:
        found = state.get(one.name, _fresh())
        rate = found["inputs"] / found["cpu_s"] if found["cpu_s"] else 0.0
        slowest_ms, wrong = found["slowest_s"] * 1000, len(found["wrong"])
        row = f"{one.name:22} {found['inputs']:>9,} {rate:>13,.0f} {slowest_ms:>7.0f} ms {wrong:>9}"
        print(row)  # noqa: T201 - a command


if __name__ == "__main__":
    sys.exit(main())
