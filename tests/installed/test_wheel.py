"""The wheel, installed beside nothing of ours, in folders whose own packages have the names of ours."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml

from peakproof_command import without_others
from scripts.dist import SUMS, data_files, main, packed
from scripts.local_stack.prometheus_binary import find_prometheus
from slo.outcomes import EnvironmentLacks
from tests.ports import free_base

ROOT = Path(__file__).parents[2]
BRIEF = ROOT / "tests" / "end_to_end" / "brief.yaml"
OURS = ("slo", "loadtests", "exporters", "dashboards", "scripts", "staging", "tests")
OTHERS = ("yaml", "requests", "locust", "pydantic", "gevent")


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what a release publishes."""
    folder = tmp_path_factory.mktemp("dist")
    assert main(["--to", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def peakproof(dist: Path) -> Path:
    """Return the command, installed in an environment that borrows its dependencies from this one, and nothing else."""
    uv = str(Path(sys.executable).with_name("uv"))
    home = dist / "environment"
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(home)], check=True)
    (wheel,) = dist.glob("*.whl")
    python = str(home / "bin" / "python")
    subprocess.run([uv, "pip", "install", "-q", "--offline", "--no-deps", "--python", python, str(wheel)], check=True)
    packages = next(home.glob("lib/python*/site-packages"))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin" / "peakproof"


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """Return a folder with packages and modules that must never be imported."""
    for name in OURS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise SystemExit('the user\\'s own {name} was imported')")
    for name in OTHERS:
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('the user\\'s own {name} was imported')")
    return tmp_path


def called(command: Path, folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user's shell in that folder would."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [str(command), *arguments],
        cwd=folder,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


@pytest.mark.heavy
def test_it_runs_in_a_folder_with_packages_of_the_same_names(peakproof: Path, hostile: Path) -> None:
    helped = called(peakproof, hostile, "--help", PYTHONPATH=":x:.")
    assert (helped.returncode, helped.stderr) == (0, "")
    assert helped.stdout.startswith("usage: peakproof [-h] VERB ...\n")
    examined = called(peakproof, hostile, "doctor", "--json", "--port-base", str(free_base()))
    assert examined.stderr == ""
    assert json.loads(examined.stdout)


@pytest.mark.heavy
def test_a_whole_demo_runs_there_with_everything_that_it_starts(peakproof: Path, hostile: Path) -> None:
    try:
        find_prometheus(os.environ, print)
    except EnvironmentLacks as error:
        pytest.skip(str(error))
    plan = yaml.safe_load(BRIEF.read_text())
    for phase in plan["phases"]:
        phase["duration_s"] = min(phase["duration_s"], 5)
        phase.pop("represents_s", None)
    (hostile / "plan.yaml").write_text(yaml.safe_dump(plan))
    arguments = ("demo", "--plan", "plan.yaml", "--port-base", str(free_base()))
    ended = called(peakproof, hostile, *arguments, PYTHONPATH=str(hostile))
    assert ended.returncode in (0, 75), ended.stdout + ended.stderr
    (run,) = (hostile / "runs").iterdir()
    assert json.loads((run / "verdict.json").read_text())["judged"]["starts_at"]
    assert (run / "report.html").is_file()
    logs = "".join(path.read_text() for path in run.rglob("*.log"))
    assert "was imported" not in logs


@pytest.mark.heavy
def test_the_same_commit_gives_the_same_bytes_and_the_sums_are_theirs(dist: Path, tmp_path: Path) -> None:
    assert main(["--to", str(tmp_path)]) == 0
    assert (tmp_path / SUMS).read_text() == (dist / SUMS).read_text()
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", SUMS],  # noqa: S607 - coreutils, as PATH has it
        cwd=dist,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    assert [line.rpartition(": ")[2] for line in checked.stdout.splitlines()] == ["OK", "OK"]


@pytest.mark.heavy
def test_everything_that_a_user_needs_is_in_the_wheel_and_nothing_for_those_who_work_on_the_code(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    names = packed(wheel)
    assert data_files() <= names
    assert {"dashboards/generated/peak-run.json", "loadtests/web_ui/static/page.js", "staging/releases.yaml"} <= names
    assert not [name for name in names if name.startswith(("tests/", "scripts/benches/", "scripts/proofs/"))]
    assert {name.split("/")[0] for name in names if not name.startswith("peakproof-")} == {
        *(set(OURS) - {"tests"}),
        "peakproof",
        "peakproof_command.py",
    }


def test_a_tag_that_is_not_the_version_s_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--to", str(tmp_path), "--tag", "v0.0.0"]) == 2
    assert capsys.readouterr().err == "dist: the tag is v0.0.0, pyproject.toml says 0.1.0: tag v0.1.0\n"
    assert list(tmp_path.iterdir()) == []


def test_folders_of_pythonpath_and_of_the_script_are_no_part_of_the_import_path(tmp_path: Path) -> None:
    path = [str(tmp_path / "bin"), str(tmp_path / "theirs"), "/usr/lib/python3.11", str(tmp_path / "ours")]
    assert without_others(path, str(tmp_path / "theirs"), str(tmp_path / "bin")) == path[2:]
    assert without_others([*path, str(ROOT)], f"{ROOT}:{tmp_path}", None) == [*path, str(ROOT)]
