"""The commands that README and docs show are commands: each parses, and the way from orders to a plan runs."""

import re
import shlex
from pathlib import Path

import pytest

from scripts.cli import build_parser
from tests.scripts.verbs.test_verbs import SHIPPED, with_sessions
from tests.scripts.world import Command, targets

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PLANNING = ("forecast", "plan")


def commands(text: str) -> list[list[str]]:
    """Return the arguments of each `peakproof` command in the text's code blocks."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [part.strip() for block in blocks for line in block.splitlines() for part in re.split(r"&&|;", line)]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("peakproof ")]


SHOWN = [(page.name, arguments) for page in PAGES for arguments in commands(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(("page", "arguments"), SHOWN, ids=[f"{page}: {' '.join(rest)}" for page, rest in SHOWN])
def test_a_command_that_a_page_shows_parses(page: str, arguments: list[str]) -> None:
    assert build_parser(arguments[0]).parse_args(arguments).run, page


@pytest.mark.parametrize(
    "page", [*PAGES, *sorted((ROOT / "examples").rglob("README.md"))], ids=lambda page: page.parent.name
)
def test_no_page_chains_commands_or_has_a_verdict_made_of_whichever_run_is_the_latest(page: Path) -> None:
    blocks = re.findall(r"^```\w*\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines()]
    verbs = [re.findall(r"\bpeakproof (run|gate|audit|judge|report)\b", line) for line in lines]
    assert [line for line, named in zip(lines, verbs, strict=True) if len(named) > 1] == []
    assert [line for line, named in zip(lines, verbs, strict=True) if named and " latest" in line] == []


@pytest.mark.parametrize("page", ["README.md", "commands.md"])
def test_from_a_history_with_sessions_to_a_plan_the_page_s_commands_run_as_they_stand(
    page: str, peakproof: Command
) -> None:
    with_sessions(peakproof.folder)
    (peakproof.folder / "objectives.yaml").write_bytes(SHIPPED.read_bytes())
    (peakproof.folder / "targets.yaml").write_text(targets())
    if page == "README.md":
        (peakproof.folder / "plan.yaml").write_text("the one that init wrote")
    planning = [arguments for name, arguments in SHOWN if name == page and arguments[0] in PLANNING]
    assert [arguments[:2] for arguments in planning[:2]] == [["forecast", "orders.csv"], ["plan", "build"]]
    for arguments in planning:
        ended = peakproof(*arguments)
        assert (ended.code, ended.err) == (0, ""), arguments
