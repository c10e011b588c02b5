"""What docs/commands.md shows for a pipeline ends with the gate's exit code, and takes the summary of its own run."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.scripts.world import script

COMMANDS = Path(__file__).parents[2] / "docs" / "commands.md"


def snippet() -> str:
    """Return the lines of the section on pipelines."""
    section = COMMANDS.read_text(encoding="utf-8").partition("## In a pipeline")[2]
    found = re.search(r"^```bash\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(("code", "judged"), [(0, True), (99, True), (75, False), (2, False)])
def test_the_pipeline_ends_with_the_gate_s_code_and_its_own_summary(code: int, judged: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter
    run = tmp_path / "runs" / "mine"
    run.mkdir(parents=True)
    (tmp_path / "runs" / "later").mkdir()
    (tmp_path / "runs" / "later" / "summary.md").write_text("another's")
    if judged:
        (run / "summary.md").write_text("mine")
    script(tmp_path / "bin" / "peakproof", f"echo 'run={run}'\necho 'the outcome  the page'\nexit {code}")
    done = subprocess.run(
        ["bash", "-e", "-c", snippet()],  # noqa: S607 - as GitHub runs a step
        cwd=tmp_path,
        env={
            "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
            "VERSION": "7",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (code, "")
    summary = tmp_path / "summary"
    assert (summary.read_text() if summary.exists() else "") == ("mine" if judged else "")
