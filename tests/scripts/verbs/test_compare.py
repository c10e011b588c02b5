"""What `peakproof compare` refuses, and with which way out."""

import json
from pathlib import Path

import pytest

from scripts.cli import main
from tests.scripts.comparing.two_releases import by_header, write_inputs


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_inputs(tmp_path, "http://127.0.0.1:9", by_header())
    for name in ("one", "other"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("runs/one", "runs/other"), "two runs can't be compared"),
        (("runs/one",), "two runs can't be compared"),
        ((), "PLAN is missing"),
        (("plan.yaml",), "--on ENVIRONMENT is missing"),
        (
            ("plan.yaml", "--on", "staging", "--switch", "./x", "--with", "other"),
            "--switch and --with exclude each other",
        ),
        (("plan.yaml", "--judge", "runs/one"), "leave PLAN and --on out"),
        (("--judge", "runs/one"), "runs/one: holds no comparison.json"),
        (("plan.yaml", "--on", "staging", "--max-minutes", "2"), "and --max-minutes is 2"),
        (("plan.yaml", "--on", "nowhere"), "no environment 'nowhere'"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_cannot_be_compared_is_refused_with_the_way_that_works(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], why: str
) -> None:
    assert main(["compare", *arguments]) == 2
    assert why in capsys.readouterr().err


def test_a_job_of_which_no_block_was_played_is_not_judged(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = folder / "runs" / "job"
    job.mkdir()
    sides = {name: {"variant": name, "label": name} for name in ("a", "b")}
    design = {"looks": [4], "block_s": 30, "skip_s": 5}
    document = {"format": "peakproof/comparison/v1", "name": "job", "how": "variants", "design": design, **sides}
    (job / "comparison.json").write_text(json.dumps({**document, "ended": "failed", "because": "no shop"}))
    assert main(["compare", "--judge", "job"]) == 75
    assert "nothing to judge: no shop" in capsys.readouterr().err
