"""Answers that are known: what the statistics said of made-up runs and jobs when they were last looked at.

Whoever changes a rule on purpose writes them anew with `python -m tests.slo.known.answers` and reads the difference;
whoever changes one by mistake fails. They say that nothing moved, not that it is right: the tests beside them do.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from tests.slo.known import comparisons, statistics, verdicts_of_runs

FOLDER = Path(__file__).parent
_DIGITS = 8
ALL: Mapping[str, Callable[[], Iterator[tuple[str, object]]]] = {
    "levels": comparisons.levels,
    "evidence": comparisons.evidences,
    "verdicts": comparisons.verdicts,
    "days": comparisons.days,
    "statistics": statistics.answers,
    "runs": verdicts_of_runs.answers,
}


def plain(value: object) -> Any:  # noqa: PLR0911 - one for each kind of value
    """Return a value as JSON holds it, a number to eight digits."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bool) or value is None or isinstance(value, str | int):
        return value
    number = float(value)  # type: ignore[arg-type]
    if not math.isfinite(number):
        return str(number)
    return 0.0 if abs(number) < 10**-_DIGITS else float(f"{number:.{_DIGITS}g}")


def known(name: str) -> dict[str, Any]:
    """Return the answers that are known."""
    answers: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return answers


def write(name: str) -> None:
    """Write the answers anew."""
    lines = [f"{json.dumps(case)}: {json.dumps(answer)}" for case, answer in plain(dict(ALL[name]())).items()]
    (FOLDER / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    for each in ALL:
        write(each)
