"""The folder of a comparison with earlier days: documents, JUnit and page as every other comparison leaves them."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from loadtests.comparison.job import ComparisonJob, DesignEntry, VariantEntry
from loadtests.evidence.manifest import read_manifest
from loadtests.run_store.aggregates import Aggregates
from loadtests.run_store.days import EarlierDays, measured_days, not_compared
from loadtests.runtime.clock import Clock
from scripts.comparing.job_folder import keep_policy, make_folder
from scripts.comparing.judging import write_verdict
from scripts.comparing.one_at_a_time import JobFile
from slo.regression.days import DaysComparison
from slo.regression.days_document import HOW, verdict_of_days
from slo.regression.design import Design
from slo.regression.settings import ComparisonSettings
from slo.regression.verdict_document import Compared, ComparisonVerdict, ReleaseEntry

_FEWEST_LOOK = 3  # a design has none before
SAME = "both are the same release: what differs is the day"


def keep_days(
    days: EarlierDays,
    found: DaysComparison,
    run: Aggregates,
    settings: ComparisonSettings,
    options: argparse.Namespace,
    runs: Path,
) -> tuple[Path, ComparisonVerdict]:
    """Write the comparison's folder beside the runs; return it with its verdict. Raises EnvironmentLacks."""
    folder = make_folder(runs, run.plan or "days", datetime.now(UTC))
    keep_policy(options.policy, folder)
    a, b = days.baseline.identity.release, run.identity.release
    notes = tuple(f"left out: {one}" for one in days.left_out) + ((SAME,) if a == b else ())
    design = DesignEntry(looks=(max(found.days, _FEWEST_LOOK),), block_s=1.0, skip_s=0.0)
    job = ComparisonJob(
        name=folder.name,
        how=HOW,
        environment=run.environment,
        a=VariantEntry(variant="a", label=options.baseline_days, release=a),
        b=VariantEntry(variant="b", label=run.run, release=b),
        design=design,
        notes=notes,
        ended="played_out",
    )
    JobFile(folder=folder, job=job).update()
    about = Compared(
        name=folder.name,
        environment=run.environment,
        how=HOW,
        a=ReleaseEntry(label=options.baseline_days, release=a),
        b=ReleaseEntry(label=run.run, release=b),
        design=Design(looks=design.looks, block_s=design.block_s, skip_s=design.skip_s),
        runs=(*(one.run for one in days.runs), run.run),
        notes=notes,
        not_compared=not_compared(days),
        invalid_because=(),
        unfinished_because=None,
        decided_at=Clock.start().now(),
    )
    verdict = verdict_of_days(found, measured_days(days, run, settings), about)
    write_verdict(folder, verdict, read_manifest(folder))
    return folder, verdict
