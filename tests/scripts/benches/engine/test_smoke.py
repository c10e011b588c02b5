"""The benchmark runs from end to end: nginx, the engine in turn with itself, and a figure in its file."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]


@pytest.mark.heavy
def test_one_measurement_is_made_from_end_to_end(tmp_path: Path) -> None:
    if not shutil.which("nginx", path="/usr/sbin:/usr/bin") or not shutil.which("wrk"):
        pytest.skip("needs nginx and wrk: on Debian, apt-get install nginx wrk")
    brief = ("--only", "assets", "--repeat", "1", "--window", "0.5", "--warm", "0.5", "--folder", str(tmp_path))
    command = [sys.executable, "-P", "-m", "scripts.benches.engine", *brief]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("\nevery bound holds\n")
    (figure,) = json.loads((tmp_path / "engine.json").read_text())["figures"]
    assert figure["value"] > 1
