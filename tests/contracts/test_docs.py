"""The documents for developers name files that are there, and every room of the house."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = ("slo", "loadtests", "exporters", "dashboards", "scripts", "staging", "tests", "docs", ".ci")
# A path in backticks, from the root of the repository.
PATH = re.compile(rf"`((?:{'|'.join(map(re.escape, FLOORS))})/[\w./-]*)`")


def named_in(document: str) -> list[str]:
    """Return every path that a document names."""
    return PATH.findall((ROOT / document).read_text())


def is_there(path: str) -> bool:
    """Return whether there is such a file or folder; a decision may be named by its number."""
    return (ROOT / path).exists() or (path.startswith("docs/decisions/") and any(ROOT.glob(f"{path}-*.md")))


@pytest.mark.parametrize("document", ["CONTRIBUTING.md", "docs/architecture.md", "docs/contracts.md", "README.md"])
def test_every_path_that_a_document_names_is_there(document: str) -> None:
    missing = [path for path in named_in(document) if not is_there(path)]
    assert missing == []


def test_contributing_says_for_each_of_a_dozen_changes_which_file_to_open() -> None:
    rows = re.findall(
        r"^\| (add|change|read|accept|tell|forbid) .*? \| (.*) \|$",
        (ROOT / "CONTRIBUTING.md").read_text(),
        re.MULTILINE,
    )
    assert len(rows) >= 12
    assert [row for row in rows if "`" not in row[1]] == []


@pytest.mark.parametrize("floor", ["slo", "loadtests", "exporters", "dashboards", "scripts"])
def test_the_tree_of_the_architecture_names_every_room(floor: str) -> None:
    tree = (ROOT / "docs" / "architecture.md").read_text().split("```")[1]
    part = re.search(rf"^{floor}/ .*?(?=^\w+/|\Z)", tree, re.MULTILINE | re.DOTALL)
    assert part is not None
    rooms = {path.parent.name for path in (ROOT / floor).glob("*/__init__.py")}
    assert {room for room in rooms if f"{room}/" not in part[0]} == set()
