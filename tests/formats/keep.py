"""Keep what this version's runs and comparisons look like: `python -m tests.formats.keep FOLDER`, once a release.

Of a run it writes `VERSION-OUTCOME.tar.gz` and `.json`, what was judged of it; of a comparison, which takes its runs
with it, `VERSION-comparison.tar.gz`. The tests judge every one of them, for as long as that version is read.
"""

import gzip
import io
import json
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from loadtests.evidence.steps import write_manifest
from loadtests.results.run_directory import RunDirectory

FOLDER = Path(__file__).parent
MAX_BYTES = 150_000
# Nothing that a verdict is made of: a database of its own, logs, and what judging writes.
_LEFT_OUT = frozenset({"prometheus", "logs", "report.html", "verdict.json", "junit.xml", "summary.md", "job.json"})
_OF_COMPARISON = frozenset({"comparison.html", "comparison-verdict.json", "switches"})
COMPARISON = "-comparison"


def keep(run: Path, folder: Path = FOLDER) -> Path:
    """Write a run's archive and what was judged of it; raises ValueError for one that is too large to be committed."""
    document = json.loads((run / "run.json").read_text())
    verdict = json.loads((run / "verdict.json").read_text())
    judged = {
        "run": run.name,
        "outcome": verdict["outcome"],
        "objectives": {one["name"]: [one["outcome"], one["events"], one["bad"]] for one in verdict["objectives"]},
        "checks": {one["name"]: one["status"] for one in verdict["checks"]},
    }
    name = f"{document['peakproof']}-{verdict['outcome'].lower()}"
    return _written(folder / f"{name}.tar.gz", _packed([run]), judged)


def keep_comparison(comparison: Path, folder: Path = FOLDER) -> Path:
    """Write a comparison's archive, its runs in it, and what was judged of it; raises ValueError as `keep` does."""
    verdict = json.loads((comparison / "comparison-verdict.json").read_text())
    runs = [comparison.with_name(name) for name in verdict["runs"]]
    version = json.loads((runs[0] / "run.json").read_text())["peakproof"]
    archive = folder / f"{version}{COMPARISON}.tar.gz"
    return _written(archive, _packed([comparison, *runs]), {"comparison": comparison.name, **judged_of(verdict)})


def judged_of(verdict: dict[str, Any]) -> dict[str, Any]:
    """Return what is compared of a comparison's verdict."""
    measures = {one["name"]: [one["outcome"], one["pairs"], one["change"]] for one in verdict["measures"]}
    return {"outcome": verdict["outcome"], "because": verdict["because"], "measures": measures}


def _packed(folders: list[Path]) -> bytes:
    raw = io.BytesIO()
    with (
        tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as packed,
        tempfile.TemporaryDirectory() as scratch,
    ):
        for run in folders:
            copy = _copied(run, Path(scratch) / run.name)
            for path in sorted(path for path in copy.rglob("*") if path.is_file()):
                data = path.read_bytes()
                packed.addfile(_entry(f"{run.name}/{path.relative_to(copy).as_posix()}", len(data)), io.BytesIO(data))
    return gzip.compress(raw.getvalue(), compresslevel=9, mtime=0)


def _copied(run: Path, copy: Path) -> Path:
    """Copy what is kept, run.json without the machine's paths; what a run left is listed as it is kept."""
    for path in _evidence(run):
        data = path.read_bytes()
        to = copy / path.relative_to(run)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(_without_paths(json.loads(data)) if path.name == "run.json" else data)
    if (copy / "manifest.json").exists():
        write_manifest(RunDirectory(path=copy))
    return copy


def _written(archive: Path, data: bytes, judged: dict[str, Any]) -> Path:
    if len(data) > MAX_BYTES:
        raise ValueError(f"{archive.name}: {len(data)} bytes, at most {MAX_BYTES} are committed: keep a shorter run")
    archive.write_bytes(data)
    archive.with_name(archive.name.replace(".tar.gz", ".json")).write_text(json.dumps(judged, indent=1) + "\n")
    return archive


def _evidence(run: Path) -> Iterator[Path]:
    for path in sorted(run.rglob("*")):
        if path.is_file() and path.relative_to(run).parts[0] not in _LEFT_OUT | _OF_COMPARISON:
            yield path


def _without_paths(document: dict[str, Any]) -> bytes:
    """Return run.json without the path that the machine had its leases in."""
    if document.get("lease"):
        document["lease"]["file"] = Path(document["lease"]["file"]).name
    return json.dumps(document, indent=1).encode() + b"\n"


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    return entry


if __name__ == "__main__":
    given = Path(sys.argv[1])
    kept = keep_comparison(given) if (given / "comparison.json").exists() else keep(given)
    print(kept)  # noqa: T201 - a command of the repository's own
