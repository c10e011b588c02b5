"""The artifact of a run: what a person opens and a program compares, in at most 20 MB; evidence only on request."""

import shutil
from collections.abc import Iterator
from pathlib import Path, PurePath

from loadtests.evidence.files import look
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
        "manifest.json.sig",
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
    for path in _files(run, evidence=evidence):
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


def _files(run: Path, *, evidence: bool) -> Iterator[Path]:
    """Find the aggregates, then the evidence that is wanted, all of it: the rest of it first, as it is small."""
    seen: set[Path] = set()
    rest = [run / path for path in look(run) if not any(PurePath(path).match(one) for one in _EVIDENCE)]
    found = (
        *(path for pattern in _AGGREGATES for path in sorted(run.glob(pattern))),
        *(rest if evidence else ()),
        *(path for pattern in _EVIDENCE if evidence for path in sorted(run.glob(pattern))),
    )
    for path in found:
        if path.is_file() and not path.is_symlink() and path not in seen:
            seen.add(path)
            yield path
