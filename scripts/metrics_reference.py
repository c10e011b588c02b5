"""Write docs/metrics.md, every metric that is exported: `python -m scripts.metrics_reference [--check]`."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from exporters.names.catalogue import FAMILIES
from exporters.names.family import Family, Health
from loadtests.results.run_directory import write_bytes
from slo.outcomes import ExitCode

FILE = Path(__file__).parent.parent / "docs" / "metrics.md"
_INTRODUCTION = """\
# Every metric

Made from `exporters/names/` by `python -m scripts.metrics_reference`; a test holds it against what is exported.
How each is read and what its alerts are stands in [exporters/](exporters/serving.md). `environment` is a label that the
scrape configuration sets.

## Every subject

For each subject of `exporters.yaml`, also when nothing could be read.

"""
_HEAD = "| Metric | Kind | Labels | Says | Bounded by |\n|---|---|---|---|---|\n"


def rendered() -> bytes:
    """Return the bytes of the reference: the same for the same names."""
    parts = [_INTRODUCTION, _table(_health())]
    for subject, families in FAMILIES.items():
        parts += [f"\n## {subject}\n\n", _table(families)]
    return "".join(parts).encode()


def _health() -> Iterable[Family]:
    """Return the families that every subject has, with its name left open."""
    for family in Health(subject="SUBJECT").families:
        told = family.help.replace("of SUBJECT", "of the subject").replace("because SUBJECT", "because the subject")
        yield replace(family, name=family.name.replace("SUBJECT", "<subject>"), help=told)


def _table(families: Iterable[Family]) -> str:
    return _HEAD + "".join(_row(family) for family in families)


def _row(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    cells = (f"`{family.name}`", family.kind, labels, family.help, family.bounded_by)
    return "| " + " | ".join(cell.replace("|", r"\|").replace("\n", " ") for cell in cells) + " |\n"


def main(arguments: Sequence[str]) -> int:
    """Write the reference, or with `--check` say whether it differs from the code and end with 99."""
    is_stale = not FILE.exists() or FILE.read_bytes() != rendered()
    if "--check" in arguments:
        if is_stale:
            print(f"stale: {FILE.name} differs from the code: make metrics")
        return ExitCode.FAIL if is_stale else ExitCode.OK
    if is_stale:
        write_bytes(FILE, rendered())
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
