"""`peakproof dashboards snapshot` writes one file, or serves until it is interrupted."""

import argparse
import re
from pathlib import Path

import pytest
import requests

from loadtests.evidence.replacing import write_outputs
from loadtests.evidence.steps import write_manifest
from loadtests.results.run_directory import RunDirectory
from scripts.live_boards import command
from scripts.live_boards.command import add_snapshot, snapshot
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks
from tests.dashboards.synthetic import make
from tests.ports import free_port
from tests.scripts.world import World


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_snapshot(parser)
    return parser.parse_args(arguments)


def _list(run: Path) -> None:
    """List all of a run in its manifest, the verdict as what was made of it."""
    directory = RunDirectory(path=run)
    verdict = directory.verdict.read_bytes()
    write_outputs(directory, "judge", write_manifest(directory), {directory.verdict: verdict})


def test_a_page_of_evidence_that_is_not_whole_is_written_and_says_so_and_ends_with_75(tmp_path: Path) -> None:
    run, world = make(tmp_path).path, World(folder=tmp_path)
    _list(run)
    (run / "audit.json").write_text("{}")
    assert snapshot(options(str(run)), world.context()) == 75
    flaw, page = world.said
    assert (flaw.startswith(f"{run.name} is not whole: audit.json: cut: 2 of "), Path(page).name) == (
        True,
        "dashboards.html",
    )
    assert "its evidence isn" in (run / "dashboards.html").read_text()


def test_a_run_s_page_stands_in_its_directory_or_where_it_is_wanted(tmp_path: Path) -> None:
    run, world = make(tmp_path).path, World(folder=tmp_path)
    _list(run)
    assert snapshot(options(str(run)), world.context()) == 0
    assert snapshot(options(str(run), "--to", str(tmp_path / "one.html")), world.context()) == 0
    assert world.said == [str(run / "dashboards.html"), str(tmp_path / "one.html")]
    assert (tmp_path / "one.html").read_bytes() == (run / "dashboards.html").read_bytes()


def test_a_file_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    run = make(tmp_path).path
    with pytest.raises(EnvironmentLacks, match=r"nowhere/one.html: can't be written"):
        snapshot(options(str(run), "--to", str(tmp_path / "nowhere" / "one.html")), World(folder=tmp_path).context())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--prometheus", "http://127.0.0.1:1"], "--prometheus and --port go with --live"),
        (["--port", "0"], "--prometheus and --port go with --live"),
        (["--live", "--to", "a.html"], "--to goes without --live"),
        (["--live", "--prometheus", "ftp://x"], "--prometheus: must be an address that begins with http"),
        (["nothing"], "nothing: not a run directory"),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(BadInput, match=re.escape(message)):
        snapshot(options(*arguments), World(folder=tmp_path).context())


def test_live_pages_are_served_on_loopback_until_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, pages = World(folder=tmp_path), list[requests.Response]()

    def look_and_interrupt() -> None:
        url = re.findall(r"http://127\.0\.0\.1:\d+/", world.said[0])[-1]
        with requests.Session() as session:
            session.trust_env = False
            pages.append(session.get(f"{url}incident", timeout=30))
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "until_interrupted", look_and_interrupt)
    gone = f"http://127.0.0.1:{free_port()}"
    assert snapshot(options("--live"), world.context(PEAKPROOF_PROMETHEUS_URL=gone)) == 0
    assert world.said[0].startswith(f"dashboards of {gone}: http://127.0.0.1:")
    assert (pages[0].status_code, f"Prometheus at {gone} doesn&#39;t answer" in pages[0].text) == (200, True)
    assert world.said[1] == "stopped"
