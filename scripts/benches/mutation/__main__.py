"""`make mutate`: changes of statistics, verdict and comparison that tests must fail on; exit 0 when enough do, else 1.

What was tried is kept in `build/bench/mutation.json` after each, so a run that was ended goes on where it was: what was
killed stays so while its module is the same, and what survived is tried again when a test was changed.
"""

import argparse
import hashlib
import json
import random
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from loadtests.results.run_directory import write_json
from scripts.benches.figures import machine_line
from scripts.benches.mutation.changes import Change, changes_of
from scripts.benches.mutation.trial import Outcome, check_noticed, times_of, try_change

COMMAND = "make mutate"
MUST_REACH = 0.95
# The sources of each room, and the tests that hold it.
ROOMS = {
    "statistics": (
        ("slo/statistics.py", "slo/design_effect.py"),
        ("tests/slo/test_statistics.py", "tests/slo/test_design_effect.py", "tests/slo/verdict"),
    ),
    "verdict": (("slo/verdict",), ("tests/slo/verdict", "tests/slo/rendering")),
    "comparison": (("slo/regression",), ("tests/slo/regression",)),
}
_EQUIVALENT = Path(__file__).parent / "equivalent.yaml"
_LEAST_S, _TIMES_AS_LONG = 20.0, 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One change, and what the tests made of it; `because` is why no test can fail on it."""

    room: str
    change: Change
    outcome: Outcome
    because: str | None

    @property
    def line(self) -> str:
        """It for a person."""
        return f"{self.change.file}:{self.change.line}  {self.change.before}  →  {self.change.after}"


def main(arguments: Sequence[str]) -> int:
    """Try what hasn't been tried; 0 when of every room at least 95 % of what can be noticed is, else 1."""
    options = _parser().parse_args(arguments)
    known = _Known(options.folder / "mutation.json")
    tried = []
    for room in options.only or ROOMS:
        tried += _tried(room, options.sample, known, time.monotonic() + 60 * options.minutes)
    rows = [{"room": one.room, "outcome": one.outcome, "because": one.because, **asdict(one.change)} for one in tried]
    known.write({"machine": machine_line(), "command": COMMAND, "tried": rows})
    holds = [_told(room, [one for one in tried if one.room == room]) for room in options.only or ROOMS]
    return 0 if all(holds) else 1


def _told(room: str, tried: Sequence[Tried]) -> bool:
    noticed = [one for one in tried if one.outcome != "survived"]
    same = [one for one in tried if one.outcome == "survived" and one.because]
    left = [one for one in tried if one.outcome == "survived" and not one.because]
    for one in left:
        print(f"survived: {one.line}")
    counted = len(noticed) + len(left)
    ratio = len(noticed) / counted if counted else 0.0
    holds = counted > 0 and ratio >= MUST_REACH
    print(
        f"{room}: {len(noticed)} of {counted} killed, {ratio:.1%} ({'holds' if holds else 'MISSED'}: "
        f"≥ {MUST_REACH:.0%}); {len(same)} more change nothing",
        flush=True,
    )
    return holds


class _Known:
    """What was tried before."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._document = json.loads(path.read_text()) if path.exists() else {}
        self.outcomes: dict[str, Outcome] = self._document.get("outcomes", {})

    def write(self, document: dict[str, object]) -> None:
        """Keep it."""
        self._document |= document
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_json(self._path, {**self._document, "outcomes": self.outcomes})


def _tried(room: str, sample: int | None, known: _Known, until: float) -> list[Tried]:
    sources, tests = ROOMS[room]
    files = [file for source in map(Path, sources) for file in (sorted(source.glob("*.py")) or [source])]
    changes = [(file, change) for file in files for change in changes_of(str(file), file.read_bytes())]
    if sample is not None and sample < len(changes):
        changes = random.Random(16).sample(changes, sample)  # noqa: S311 - which are tried
    because, tests_now = _because(), _hash(*(file for test in map(Path, tests) for file in _files(test)))
    found, times, checked = [], dict[str, float](), set[Path]()
    for number, (file, change) in enumerate(changes):
        killed = f"{_hash(file)} {change.place} {change.after}"
        survived = f"{killed} {tests_now}"
        outcome = known.outcomes.get(killed) or known.outcomes.get(survived)
        if outcome is None:
            if time.monotonic() > until:
                break
            if not times:
                with tempfile.TemporaryDirectory() as scratch:
                    times = times_of(tests, Path(scratch))
            if file not in checked:
                check_noticed(tests, file)
                checked.add(file)
            most_s = max(_LEAST_S, _TIMES_AS_LONG * sum(times.values()))
            outcome = try_change(tests, file, change.apply(file.read_bytes()), times, most_s)
            known.outcomes[survived if outcome == "survived" else killed] = outcome
            known.write({})
            print(f"{number + 1}/{len(changes)} {outcome}: {change.file}:{change.line} {change.after}", flush=True)
        found.append(Tried(room=room, change=change, outcome=outcome, because=because.get(change.key)))
    return found


def _files(test: Path) -> list[Path]:
    return sorted(test.rglob("*.py")) if test.is_dir() else [test]


def _hash(*files: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _because() -> dict[str, str]:
    """Return by its key why a change changes nothing, of those that `equivalent.yaml` lists."""
    listed: list[dict[str, str]] = yaml.safe_load(_EQUIVALENT.read_text()) or []
    return {_key(one): one["because"] for one in listed}


def _key(listed: Mapping[str, str]) -> str:
    file, code, before, after = (listed[name] for name in ("file", "code", "before", "after"))
    return Change(file=file, line=0, code=code, before=before, after=after, place=(0, 0)).key


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=COMMAND, description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", choices=ROOMS, help="a room (all)")
    parser.add_argument("--sample", type=int, help="so many changes of each room, drawn by a seed (all)")
    parser.add_argument(
        "--minutes", type=float, default=600.0, help="for each room; what isn't tried is left out (600)"
    )
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
