"""The artifact of a run: what a person opens and a program compares, in at most 20 MB; evidence only on request."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from loadtests.results.run_directory import write_bytes

MAX_BYTES = 20_000_000
LEFT_OUT = "left-out.txt"
# The most important first: what doesn't fit any more is left out by name.
_AGGREGATES = (
    *(
        "verdict.json",
        "comparison-verdict.json",
        "comparison.json",
        "summary.md",
        "junit.xml",
        "run.json",
        "audit.json",
    ),
    *(
        "plan.yaml",
        "policy.yaml",
        "targets.redacted.json",
        "manifest.json",
        "objectives/*",
        "report.html",
        "*.html",
        "live.json",
    ),
    *("stock-before.json", "revisions.jsonl"),
)
_EVIDENCE = (
    *("errors/*", "metrics/*.parquet", "browser.parquet", "worker-*.json", "workers/*.json", "sessions-*.parquet"),
    *("ledger-*.jsonl", "spans-*.parquet", "requests-*.parquet"),
)


def write_bundle(run: Path, folder: Path, *, evidence: bool = False, max_bytes: int = MAX_BYTES) -> int:
    """Copy what fits of the run directory into `folder`, replacing it; returns how many bytes lie there.

    Links are left out: a run directory has none, and one could name any file of the machine.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rest, total, left = max_bytes // 100, 0, []
    for path in _files(run, (*_AGGREGATES, *_EVIDENCE) if evidence else _AGGREGATES):
        size = path.stat().st_size
        name = path.relative_to(run)
        if total + size > max_bytes - rest:
            left.append(f"{name}: {size:,} bytes\n")
            continue
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
        total += size
    why = f"left out of at most {max_bytes:,} bytes:\n" if left else ""
    note = "" if evidence else "the evidence (records, spans, answers of Prometheus) stays with the run: --evidence\n"
    text = (why + "".join(left) + note).encode()[:rest]
    if text:
        write_bytes(folder / LEFT_OUT, text)
    return total + len(text)


def _files(run: Path, patterns: tuple[str, ...]) -> Iterator[Path]:
    seen: set[Path] = set()
    for pattern in patterns:
        for path in sorted(run.glob(pattern)):
            if path.is_file() and not path.is_symlink() and path not in seen:
                seen.add(path)
                yield path
