"""Which changes to the shipped rules their promtool tests notice; `python -m scripts.benches.exporters.mutants`.

Each change is made alone. The tests that play less than two hours come first: most changes are found by them.
"""

import argparse
import random
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from scripts.benches.exporters.mutations import Document, Mutant, mutants
from scripts.benches.figures import Figure, machine_line, missed, table, write_figures
from scripts.rules.stack import EXAMPLE, OBJECTIVES, example_rules, stack_rules
from slo.outcomes import ExitCode
from slo.rules.files import TESTS

COMMAND = "python -m scripts.benches.exporters.mutants"
LEAST = 0.95
SAMPLE = 60
_LONG_S = 7200
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LESS_LABELS = r"\b(?:sum|avg|min|max|count|group|absent)(?: by \([^)]*\))? ?\(|\bon ?\("
_ANY_SUM = {"sum for avg", "sum for max", "rate for irate", "window doubled", "window a third"}


def equivalent(mutant: Mutant) -> str | None:
    """Return why a change is none in what the rules do; None where it is one."""
    if mutant.line.startswith("0 * ") and mutant.kind in _ANY_SUM:
        return "0 times any sum is 0"
    if "sum(up{" in mutant.line and mutant.kind in ("sum for avg", "sum for max"):
        return "one of ones and noughts is above 0 when their sum is"
    if mutant.kind == "another series" and "count_over_time(objective:events" in mutant.line:
        return "both are recorded at the same evaluations"
    if mutant.kind == "matcher dropped" and _is_matched(mutant):
        return "the other side of the operator has the matcher, and all labels are matched"
    return None


def _is_matched(mutant: Mutant) -> bool:
    """Whether the change is in a vector that is matched, by all labels, with another one that has the matcher.

    Arithmetic and comparison match so, `and` does on both of its sides, `unless` on its right one; no `on (…)` and no
    aggregation may take labels away before.
    """
    clauses = _clauses(mutant.expr)
    at = max(index for index, one in enumerate(clauses) if one.begins <= mutant.position)
    own, matcher = clauses[at], mutant.text.rstrip(",")
    if own.loses_labels:
        return False
    partners = [clauses[at - 1]] if own.operator in ("and", "unless") else []
    partners += [one for one in clauses[at + 1 : at + 2] if one.operator == "and"]
    return own.text.count(matcher) > 1 or any(matcher in one.text and not one.loses_labels for one in partners)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clause:
    """What stands between two set operators; `operator` is the one before it, empty for the first."""

    operator: str
    text: str
    begins: int

    @property
    def loses_labels(self) -> bool:
        return re.search(_LESS_LABELS, self.text) is not None


def _clauses(expr: str) -> list[_Clause]:
    clauses, operator, begins = [], "", 0
    for found in re.finditer(r"\b(and|or|unless)\b", expr):
        clauses.append(_Clause(operator=operator, text=expr[begins : found.start()], begins=begins))
        operator, begins = found[0], found.end()
    return [*clauses, _Clause(operator=operator, text=expr[begins:], begins=begins)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """A rule file and its tests, the quick ones first."""

    name: str
    rules: Document
    tests: tuple[Document, ...]


def _read(text: str) -> Any:  # noqa: ANN401 - a YAML document
    return yaml.load(text, yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader)  # noqa: S506 - both are safe


def _text(document: Document) -> str:
    return str(yaml.dump(document, Dumper=yaml.CSafeDumper if yaml.__with_libyaml__ else yaml.SafeDumper))


def proven(files: Mapping[str, str]) -> list[Proven]:
    """Return the rule files that are generated, each with its tests."""
    return [
        Proven(name=Path(path).stem, rules=_read(text), tests=tuple(_tests(Path(path).stem, files)))
        for path, text in files.items()
        if "/" not in path
    ]


def survives(mutant: Mutant, tests: Sequence[Document], promtool: str) -> bool:
    """Whether a changed rule file passes promtool and every test."""
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder) / "rules.yml"
        rules.write_text(_text(mutant.document))
        if not _passes(promtool, "check", "rules", str(rules)):
            return False
        each = (one for test in tests for one in _each(test))
        return all(_passes(promtool, "test", "rules", str(_written(Path(folder), one))) for one in each)


def sample(every: Sequence[Mutant], size: int, seed: int = 0) -> list[Mutant]:
    """Return `size` mutants, of each kind as evenly as there are: the same for the same rules and seed."""
    shuffled = random.Random(seed).sample(every, len(every))  # noqa: S311 - which are tried is no secret
    seen: Counter[str] = Counter()
    turns: list[tuple[int, Mutant]] = []
    for one in shuffled:
        turns.append((seen[one.kind], one))
        seen[one.kind] += 1
    return [one for _, one in sorted(turns, key=lambda turn: turn[0])][:size]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What is tried: `sample` mutants of each rule file (0: all), of these files alone, made from these documents."""

    sample: int = SAMPLE
    seed: int = 0
    file: Sequence[str] | None = None
    objectives: Path = OBJECTIVES
    config: Path = EXAMPLE


def measure(tried: Tried, promtool: str = "promtool") -> list[Figure]:
    """Return the ratio of mutants that are caught, by rule file."""
    files = proven({**stack_rules(tried.objectives), **example_rules(tried.config)})
    return [_figure(one, tried, promtool) for one in files if tried.file is None or one.name in tried.file]


def main(arguments: Sequence[str]) -> int:
    """Report the ratio of mutants that are caught; 1 when it is under 95 %."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sample", type=int, default=SAMPLE, help=f"how many mutants of each file ({SAMPLE}; 0: all)")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (0)")
    parser.add_argument("--file", action="append", help="only this rule file; may be repeated")
    parser.add_argument("--objectives", type=Path, default=OBJECTIVES, help="in place of the stack's own")
    parser.add_argument("--config", type=Path, default=EXAMPLE, help="of exporters, in place of the example")
    parser.add_argument("--promtool", default="promtool")
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    options = parser.parse_args(arguments)
    began = time.monotonic()
    tried = Tried(**{name: getattr(options, name) for name in Tried.__dataclass_fields__})
    figures = measure(tried, options.promtool)
    machine = machine_line(f"{time.monotonic() - began:.0f} s")
    options.folder.mkdir(parents=True, exist_ok=True)
    write_figures(options.folder / "mutants.json", machine, f"{COMMAND} {shlex.join(arguments)}".strip(), figures)
    print(f"\n{machine}\n{table(figures)}\n")
    return ExitCode.CRASH if missed(figures) else ExitCode.OK


def _figure(one: Proven, tried: Tried, promtool: str) -> Figure:
    every = [mutant for mutant in mutants(one.rules) if equivalent(mutant) is None]
    chosen = sample(every, tried.sample, tried.seed) if tried.sample else every
    left = []
    with ThreadPoolExecutor(2) as pool:
        alive = pool.map(lambda mutant: survives(mutant, one.tests, promtool), chosen)
        for mutant, lives in zip(chosen, alive, strict=True):
            if lives:
                left.append(mutant)
                print(f"survives in {one.name}: {mutant}", flush=True)
    caught = 1 - len(left) / len(chosen)
    kinds = len(Counter(mutant.kind for mutant in chosen))
    on = f"{len(chosen)} of {len(every)} mutants, {kinds} kinds"
    return Figure(name=f"caught in {one.name}", value=caught, op=">=", bound=LEAST, runs=[caught], on=on)


def _tests(name: str, files: Mapping[str, str]) -> Iterable[Document]:
    read = [_read(text) for path, text in files.items() if path.startswith(f"{TESTS}/{name}_")]
    for long in (False, True):
        for document in sorted(read, key=lambda one: -_seconds(one["evaluation_interval"])):
            tests = [test for test in document["tests"] if _is_long(test) == long]
            if tests:
                yield {**document, "rule_files": ["rules.yml"], "tests": tests}


def _each(document: Document) -> Iterable[Document]:
    """Return the tests of a file, each alone, the shortest first: promtool goes on after one that fails."""
    return ({**document, "tests": [test]} for test in sorted(document["tests"], key=_lasts_s))


def _is_long(test: Mapping[str, Any]) -> bool:
    return _lasts_s(test) > _LONG_S


def _lasts_s(test: Mapping[str, Any]) -> int:
    return max(_seconds(check["eval_time"]) for check in test["promql_expr_test"])


def _seconds(text: str) -> int:
    return int(text[:-1]) * _UNITS_S[text[-1]]


def _written(folder: Path, test: Document) -> Path:
    path = folder / "test.yml"
    path.write_text(_text(test))
    return path


def _passes(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
