"""`make dist`: the wheel and the source distribution in dist/, with their checksums, as a release publishes them.

The same commit gives the same bytes: files carry the commit's time (hatchling reads SOURCE_DATE_EPOCH).
"""

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SUMS = "SHA256SUMS"
_BUILT = re.compile(r"^peakproof-[0-9][^/]*\.(?:whl|tar\.gz)$")


def main(arguments: Sequence[str] | None = None) -> int:
    """Build into --to; with --tag, refuse one that isn't the version's. 0 when all is written, else 2."""
    parser = argparse.ArgumentParser(prog="python -m scripts.dist", description=main.__doc__)
    parser.add_argument("--to", type=Path, default=ROOT / "dist", metavar="FOLDER")
    parser.add_argument("--tag", metavar="TAG", help="the tag that is released, such as v1.2.0")
    options = parser.parse_args(arguments)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    if options.tag is not None and options.tag != f"v{version}":
        print(f"dist: the tag is {options.tag}, pyproject.toml says {version}: tag v{version}", file=sys.stderr)
        return 2
    for old in options.to.glob("*") if options.to.is_dir() else ():
        if _BUILT.match(old.name):
            old.unlink()
    _build(options.to)
    built = sorted(path for path in options.to.iterdir() if _BUILT.match(path.name))
    lost = sorted(data_files() - packed(next(path for path in built if path.suffix == ".whl")))
    if lost:
        print(f"dist: not in the wheel: {', '.join(lost)}", file=sys.stderr)
        return 2
    sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in built)
    (options.to / SUMS).write_text(sums, encoding="utf-8")
    print(sums, end="")
    return 0


def data_files() -> set[str]:
    """Return the files of our packages, code and data, that git knows and that users need."""
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    left_out = tuple(wheel["exclude"])
    return {name for name in _git("ls-files", *wheel["only-include"]).splitlines() if not name.startswith(left_out)}


def packed(wheel: Path) -> set[str]:
    """Return the names of the files in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def _build(folder: Path) -> None:
    when = os.environ.get("SOURCE_DATE_EPOCH") or _git("log", "-1", "--format=%ct").strip()
    subprocess.run(
        [sys.executable, "-P", "-m", "hatchling", "build", "-d", str(folder.resolve())],
        cwd=ROOT,
        env={**os.environ, "SOURCE_DATE_EPOCH": when},
        stdout=subprocess.DEVNULL,
        check=True,
    )


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
