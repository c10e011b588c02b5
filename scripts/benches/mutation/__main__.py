"""`make mutate`: changes of statistics, verdict and comparison that tests must fail on; exit 0 when enough do, else 1.

What was tried is kept in `build/bench/mutation.json` after each, so a run that was ended goes on where it was: what was
killed stays so while its module is the same, and what survived is tried again when a test was changed.
"""

import argparse
import hashlib
import json
import random
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import takewhile
from pathlib import Path

import yaml

from loadtests.results.run_directory import write_json
from scripts.benches.figures import machine_line
from scripts.benches.mutation.changes import Change, changes_of
from scripts.benches.mutation.session import Trials, in_session
from scripts.benches.mutation.told import Share, Tried, lines_of
from scripts.benches.mutation.trial import Outcome, check_noticed, try_change

COMMAND = "make mutate"
# The sources of each room, and the tests that hold it.
ROOMS = {
    "comparison": (
        ("slo/regression",),
        ("tests/slo/regression", "tests/slo/known", "tests/slo/rendering/test_comparison_renderings.py"),
    ),
    "statistics": (
        ("slo/statistics.py", "slo/design_effect.py"),
        ("tests/slo/test_statistics.py", "tests/slo/test_design_effect.py", "tests/slo/known", "tests/slo/verdict"),
    ),
    "verdict": (
        ("slo/verdict",),
        ("tests/slo/verdict", "tests/slo/known", "tests/slo/rendering", "tests/slo/policy/test_policy.py"),
    ),
}
_EQUIVALENT = Path(__file__).parent / "equivalent.yaml"
_LEAST_S, _TIMES_AS_LONG = 20.0, 6.0


def main(arguments: Sequence[str]) -> int:
    """Try what hasn't been tried; 0 when of every room at least 95 % of what can be noticed is, else 1."""
    options = _parser().parse_args(arguments)
    known = _Known(options.folder / "mutation.json")
    tried, holds = list[Tried](), list[bool]()
    for room in options.only or ROOMS:
        every, found = _tried(room, options.sample, known, time.monotonic() + 60 * options.minutes)
        print("\n".join(lines_of(room, every, found)), flush=True)
        holds.append(Share.of(found).holds)
        tried += found
    rows = [{"room": one.room, "outcome": one.outcome, "because": one.because, **asdict(one.change)} for one in tried]
    known.write({"machine": machine_line(), "command": COMMAND, "tried": rows})
    return 0 if all(holds) else 1


class _Known:
    """What was tried before, by the module's and, for a survivor, the tests' contents."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._document = json.loads(path.read_text()) if path.exists() else {}
        self._outcomes: dict[str, Outcome] = self._document.get("outcomes", {})
        self._files, self._tests = dict[str, str](), ""
        self._survivors = {key.rpartition(" ")[0] for key, found in self._outcomes.items() if found == "survived"}

    def begin(self, texts: Mapping[str, bytes], tests: Sequence[str]) -> None:
        """Take the modules and tests as they are now."""
        self._files = {file: _hash(text) for file, text in texts.items()}
        self._tests = _hash(*(file.read_bytes() for test in map(Path, tests) for file in _files(test)))

    def outcome(self, change: Change) -> Outcome | None:
        """Return what came of a change; None when it wasn't tried on what is there now."""
        return self._outcomes.get(self._killed(change)) or self._outcomes.get(self._survived(change))

    def is_new(self, change: Change) -> bool:
        """Return whether a change didn't survive before, under whatever tests."""
        return self._killed(change) not in self._survivors

    def note(self, change: Change, outcome: Outcome) -> None:
        """Keep what came of a change, and say it."""
        self._outcomes[self._survived(change) if outcome == "survived" else self._killed(change)] = outcome
        self.write({})
        print(f"{outcome}: {change.file}:{change.line} {change.after}", flush=True)

    def write(self, document: dict[str, object]) -> None:
        """Keep it."""
        self._document |= document
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_json(self._path, {**self._document, "outcomes": self._outcomes})

    def _killed(self, change: Change) -> str:
        return f"{self._files[change.file]} {change.place} {change.after}"

    def _survived(self, change: Change) -> str:
        return f"{self._killed(change)} {self._tests}"


def _tried(room: str, sample: int | None, known: _Known, until: float) -> tuple[int, list[Tried]]:
    """Try what isn't known yet; return how many changes there are, and those that were tried, in their order.

    Those behind the first in the drawn order that isn't known don't count: what was killed is kept longer than what
    survived, so they would be too good a sample.
    """
    sources, tests = ROOMS[room]
    files = [file for source in map(Path, sources) for file in (sorted(source.glob("*.py")) or [source])]
    texts = {str(file): file.read_bytes() for file in files}
    every = [change for file, text in texts.items() for change in changes_of(file, text)]
    changes = in_drawn_order(every)[:sample]
    known.begin(texts, tests)
    left = [change for change in changes if known.outcome(change) is None]
    left.sort(key=known.is_new)  # what survived other tests first: it belongs to the sample that there is
    if left and time.monotonic() < until:
        _try(left, tests, texts, known, until)
    because = _because()
    outcomes = list(takewhile(lambda one: one[1] is not None, ((change, known.outcome(change)) for change in changes)))
    return len(every), [
        Tried(room=room, change=change, outcome=outcome, because=because.get(change.key))
        for change, outcome in sorted(outcomes, key=lambda one: (one[0].file, one[0].place))
        if outcome is not None
    ]


def _try(
    changes: Sequence[Change], tests: Sequence[str], texts: Mapping[str, bytes], known: "_Known", until: float
) -> None:
    """Try changes within one session of the tests, then those that it showed nothing about with all tests."""
    unshown, took_s = list[Change](), dict[str, float]()

    def in_turn(trials: Trials) -> None:
        took_s.update(trials.reach.took_s)
        for change in changes:
            if time.monotonic() > until:
                return
            outcome = trials.quick(change, _most_s(took_s))
            if outcome is None:
                unshown.append(change)
            else:
                known.note(change, outcome)

    in_session(tests, texts, in_turn)
    for file in sorted({change.file for change in unshown}):
        check_noticed(tests, Path(file))
    for change in unshown:
        if time.monotonic() > until:
            return
        changed = change.apply(texts[change.file])
        known.note(change, try_change(tests, Path(change.file), changed, took_s, _most_s(took_s)))


def _most_s(took_s: Mapping[str, float]) -> float:
    return max(_LEAST_S, _TIMES_AS_LONG * sum(took_s.values()))


def in_drawn_order(changes: Sequence[Change]) -> list[Change]:
    """Return the changes in an order drawn by a seed, whose first n are a sample with each module's share."""
    by_file = dict[str, list[Change]]()
    for change in random.Random(16).sample(changes, len(changes)):  # noqa: S311 - which are tried
        by_file.setdefault(change.file, []).append(change)
    shares = [((number + 0.5) / len(own), one) for own in by_file.values() for number, one in enumerate(own)]
    return [one for _, one in sorted(shares, key=lambda share: share[0])]


def _files(test: Path) -> list[Path]:
    if not test.is_dir():
        return [test]
    return sorted(file for file in test.rglob("*") if file.suffix in {".py", ".json", ".yaml"})


def _hash(*texts: bytes) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text)
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
        "--minutes", type=float, default=600.0, help="for each room; what isn't tried is left out, 0 only tells (600)"
    )
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
