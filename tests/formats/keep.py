"""Keep a finished run as what this version's runs look like: `python -m tests.formats.keep RUN`, once a release.

It writes `VERSION.tar.gz` and `VERSION.json`, what was judged of it. The tests judge every one of them, for as long as
runs of that version are read.
"""

import gzip
import io
import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
MAX_BYTES = 150_000
# Nothing that a verdict is made of: a database of its own, logs, and what judging writes.
_LEFT_OUT = frozenset({"prometheus", "logs", "report.html", "verdict.json", "junit.xml", "summary.md", "job.json"})


def keep(run: Path, folder: Path = FOLDER) -> Path:
    """Write a run's archive and what was judged of it; raises ValueError for one that is too large to be committed."""
    document = json.loads((run / "run.json").read_text())
    verdict = json.loads((run / "verdict.json").read_text())
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as packed:
        for path in _evidence(run):
            data = path.read_bytes() if path.name != "run.json" else _without_paths(document)
            packed.addfile(_entry(f"{run.name}/{path.relative_to(run).as_posix()}", len(data)), io.BytesIO(data))
    data = gzip.compress(raw.getvalue(), compresslevel=9, mtime=0)
    if len(data) > MAX_BYTES:
        raise ValueError(f"{run}: {len(data)} bytes packed, at most {MAX_BYTES} are committed: keep a shorter run")
    archive = folder / f"{document['peakproof']}.tar.gz"
    archive.write_bytes(data)
    judged = {
        "run": run.name,
        "outcome": verdict["outcome"],
        "objectives": {one["name"]: [one["outcome"], one["events"], one["bad"]] for one in verdict["objectives"]},
        "checks": {one["name"]: one["status"] for one in verdict["checks"]},
    }
    archive.with_name(f"{document['peakproof']}.json").write_text(json.dumps(judged, indent=1) + "\n")
    return archive


def _evidence(run: Path) -> Iterator[Path]:
    for path in sorted(run.rglob("*")):
        if path.is_file() and path.relative_to(run).parts[0] not in _LEFT_OUT:
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
    print(keep(Path(sys.argv[1])))  # noqa: T201 - a command of the repository's own
