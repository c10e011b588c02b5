"""Print what share of the branches and of the lines of each room the tests take, from coverage's JSON report.

A room is a folder of two levels, such as `slo/verdict`; a floor's own line counts all its rooms.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

COUNTS = ("covered_branches", "num_branches", "covered_lines", "num_statements")
Counts = Mapping[str, int]


def rooms_of(file: str) -> Iterator[str]:
    """Return the floor of a file and its room, where it lies in one."""
    folders = PurePosixPath(file).parent.parts
    yield folders[0]
    if len(folders) > 1:
        yield "/".join(folders[:2])


def by_room(files: Mapping[str, Counts]) -> dict[str, dict[str, int]]:
    """Return the sums of each floor and of each room, in the order of their names."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(COUNTS, 0))
    for file, counts in files.items():
        for room in rooms_of(file):
            for name in COUNTS:
                found[room][name] += counts[name]
    return dict(sorted(found.items()))


def line(room: str, counts: Counts) -> str:
    """Return what is said of a room; one without a branch has all of them."""
    branches = counts["covered_branches"] / counts["num_branches"] if counts["num_branches"] else 1.0
    lines = counts["covered_lines"] / counts["num_statements"] if counts["num_statements"] else 1.0
    share = f"{counts['covered_branches']}/{counts['num_branches']}"
    return f"{room:<26} {branches:7.1%} of branches ({share:>9})   {lines:7.1%} of lines"


if __name__ == "__main__":
    report = json.loads(Path(sys.argv[1]).read_text())
    summaries = {file: facts["summary"] for file, facts in report["files"].items()}
    print("\n".join(line(room, counts) for room, counts in by_room(summaries).items()))  # noqa: T201 - a person reads it
