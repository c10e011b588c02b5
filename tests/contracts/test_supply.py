"""What we depend on is pinned by hash, and no file names where packages are fetched from."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOSTS = (b"pypi" + b".org", b"files.python" + b"hosted.org", b"deb.debian" + b".org", b"registry.npm" + b"js.org")
LOCK = ROOT / "requirements.lock"


def committed() -> list[Path]:
    """Return the files that git knows or would take up."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - git is required, as PATH has it
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def test_no_file_names_a_registrys_host() -> None:
    files = committed()
    assert LOCK in files
    assert [(str(path), host) for path in files for host in HOSTS if host in path.read_bytes()] == []


def test_every_locked_package_has_an_exact_version_and_hashes_and_no_address() -> None:
    text = LOCK.read_text()
    assert "://" not in text
    packages = re.split(r"\n(?=\S)", "\n" + text.strip())[1:]
    named = [package for package in packages if not package.startswith("#")]
    assert len(named) > 50
    assert [package for package in named if not re.match(r"[a-z0-9._-]+==\S+", package)] == []
    assert [package.split()[0] for package in named if not re.search(r"--hash=sha256:[0-9a-f]{64}", package)] == []


def test_every_direct_dependency_is_locked() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    direct = re.findall(r'^    "([A-Za-z0-9._-]+)', project.partition("[tool.")[0], re.MULTILINE)
    assert len(direct) > 20
    locked = set(re.findall(r"^([a-z0-9._-]+)==", LOCK.read_text(), re.MULTILINE))
    assert {name.lower().replace("_", "-") for name in direct} - locked == set()
