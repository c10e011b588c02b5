"""`peakproof rules alertmanager` writes the configuration, and the stack's is what it writes."""

import argparse
import re
import shlex
from pathlib import Path

import pytest

from scripts.context import Context
from scripts.rules import alertmanager

ROOT = Path(__file__).parents[3]
STACK = ROOT / "docker" / "alertmanager"


def written(arguments: list[str], folder: Path) -> list[str]:
    """Run the action; return what it says."""
    said: list[str] = []
    parser = argparse.ArgumentParser()
    alertmanager.add(parser)
    context = Context(environment={}, folder=folder, say=said.append, is_terminal=False, command="")
    assert alertmanager.run(parser.parse_args(arguments), context) == 0
    return said


def test_the_stacks_configuration_is_what_the_command_in_its_receivers_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    (line,) = re.findall(r"^# peakproof rules alertmanager (.*)$", (STACK / "receivers.yml").read_text(), re.MULTILINE)
    *arguments, to, _ = shlex.split(line)
    assert to == "--to"
    fresh = tmp_path / "alertmanager.yml"
    assert written([*arguments, "--to", str(fresh)], tmp_path) == [
        f"{fresh}: check it with amtool check-config {fresh}"
    ]
    assert (STACK / "alertmanager.yml").read_text() == fresh.read_text()


def test_without_a_file_it_is_printed_and_what_is_no_page_or_ticket_goes_where_tickets_go(tmp_path: Path) -> None:
    receivers = tmp_path / "receivers.yml"
    receivers.write_text("receivers: [{name: pager}, {name: tickets}]\n")
    (text,) = written([str(receivers), "--page", "pager", "--ticket", "tickets"], tmp_path)
    assert "\nroute:\n  receiver: tickets\n" in text
    assert "routes:" not in text
