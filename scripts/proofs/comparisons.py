"""`make prove-comparisons`: a release compared with itself by the real engine, and what verdicts say.

Each job is a line in `recorded_jobs.jsonl` beside the noise model, and a proof that was interrupted goes on where it
stopped. Then 150 verdicts are counted: the whole jobs', and of jobs whose pairs are drawn from them. Jobs that start
the shop anew between their parts tell how much two deployments of one build differ.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import scipy

from loadtests.comparison.compared import compared_by
from loadtests.comparison.job import ComparisonJob
from loadtests.comparison.observations import observe
from loadtests.demand.demo import PLAN_PATH
from loadtests.results.run_directory import write_json
from scripts.benches.figures import Figure, machine_line, table, write_figures
from scripts.comparing.asked import Asked
from scripts.comparing.stand_in import compare_stand_in
from scripts.context import Context
from scripts.local_stack.ports import DEFAULT_BASE, Ports
from scripts.local_stack.shop import OBJECTIVES
from scripts.proofs.recorded_comparisons import (
    RecordedJob,
    append_job,
    decide,
    deployment_difference,
    pairs_for_the_model,
    read_jobs,
    rows_of,
)
from slo.objectives.reading import read_objectives
from slo.outcomes import Outcome
from slo.regression.design import BOTH_UP_LOOKS, Design
from slo.regression.measures import Measure
from slo.regression.settings import ComparisonSettings

COMMAND = "make prove-comparisons"
DATA = Path(__file__).parents[1] / "benches" / "comparing"
JOBS, MODEL = "recorded_jobs.jsonl", "recorded_pairs.json"
MEASURE = "checkout-latency"
VERDICTS, SEED = 150, 16
EXPECTED_FAILS = 0.005
_RELEASE = "stable"
_PARTS, _PART_PAIRS = 4, 3
_CONFIDENCE = 0.99


def main(arguments: list[str]) -> int:
    """Record what is missing of the jobs, print the figures; return 0 when they are within their bounds."""
    options = _parser().parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    options.data.mkdir(parents=True, exist_ok=True)
    journal = options.data / JOBS
    measures = _measures()
    while len(_whole(read_jobs(journal), options)) < options.jobs:
        append_job(journal, _record(options, options.pairs, None))
    while len(_groups(read_jobs(journal))) < options.redeployed:
        group = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        parts = [_record(options, _PART_PAIRS, group) for _ in range(_PARTS)]
        for part in parts:
            append_job(journal, part)
    jobs = read_jobs(journal)
    write_json(options.data / MODEL, pairs_for_the_model(jobs, MEASURE))
    figures = figures_of(jobs, measures, options.pairs)
    write_figures(options.folder / "comparisons.json", machine_line(f"seed {SEED}"), COMMAND, figures)
    print(table(figures))
    return 0 if all(one.holds for one in figures) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=COMMAND, description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--jobs", type=int, default=16, help="whole jobs (default 16)")
    parser.add_argument("--redeployed", type=int, default=2, help="jobs that redeploy between their parts (default 2)")
    parser.add_argument("--pairs", type=int, default=BOTH_UP_LOOKS[-1], help="pairs of a job (default 12)")
    parser.add_argument("--block", type=float, default=30.0, help="seconds of a block (default 30)")
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    parser.add_argument("--data", type=Path, default=DATA, help="where the recorded jobs are kept")
    parser.add_argument("--port-base", type=int, default=DEFAULT_BASE)
    return parser


def _whole(jobs: Sequence[RecordedJob], options: argparse.Namespace) -> list[RecordedJob]:
    return [one for one in jobs if one.redeployed_with is None and one.block_s == options.block]


def _groups(jobs: Sequence[RecordedJob]) -> set[str]:
    return {one.redeployed_with for one in jobs if one.redeployed_with is not None}


def _measures() -> tuple[Measure, ...]:
    objectives = read_objectives((OBJECTIVES,))
    return compared_by(objectives, ComparisonSettings(), None, buys=True).measures


def _record(options: argparse.Namespace, pairs: int, group: str | None) -> RecordedJob:
    """Play one job to its last pair, without a look before; return what its records say."""
    context = Context(
        environment=dict(os.environ),
        folder=options.folder.absolute(),
        say=lambda line: print(line, flush=True) if line.startswith(("comparison ", "stopping")) else None,
        is_terminal=False,
        command=COMMAND,
    )
    design = Design(looks=(pairs,), block_s=options.block, skip_s=5.0)
    asked = Asked(
        plan=PLAN_PATH,
        objectives=(OBJECTIVES,),
        targets=Path(),
        on="",
        ports=Ports(base=options.port_base),
        same=True,
        design=design,
    )
    job = compare_stand_in(asked, (_RELEASE, _RELEASE), context).job
    return _recorded(job, context, design, group)


def _recorded(job: ComparisonJob, context: Context, design: Design, group: str | None) -> RecordedJob:
    if job.ended != "played_out":
        raise SystemExit(f"{job.name}: {job.ended}: {job.because}")
    compared = compared_by(read_objectives((OBJECTIVES,)), ComparisonSettings(), None, buys=True)
    return RecordedJob(
        name=job.name,
        recorded=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        machine=machine_line(),
        block_s=design.block_s,
        skip_s=design.skip_s,
        redeployed_with=group,
        pairs=rows_of(observe(job, context.runs, compared)),
    )


def figures_of(jobs: Sequence[RecordedJob], measures: Sequence[Measure], pairs: int) -> list[Figure]:
    """Return the share of false alarms with its interval, and the difference of deployments."""
    whole = [one for one in jobs if one.redeployed_with is None]
    looks = tuple(one for one in BOTH_UP_LOOKS if one <= pairs) or (pairs,)
    figures: list[Figure] = []
    if whole:
        found = decide(whole, measures, looks, VERDICTS, SEED)
        figures += [_fails(found.all, len(found.whole)), _open(found.all)]
    if (between := deployment_difference(jobs, MEASURE)) is not None:
        on = (
            f"{between.deployments} deployments of {len(_groups(jobs))} jobs, {MEASURE};"
            f" at most {between.at_most:.3f} (95 %); the setting deployment_sd"
        )
        name = "sd of ln p95 between deployments"
        figures.append(Figure(name=name, value=round(between.sd, 4), op=None, bound=None, runs=(), on=on))
    return figures


def _fails(outcomes: Sequence[Outcome], whole: int) -> Figure:
    fails = sum(one is Outcome.FAIL for one in outcomes)
    interval = scipy.stats.binomtest(fails, len(outcomes)).proportion_ci()
    none = (1 - EXPECTED_FAILS) ** len(outcomes)
    on = (
        f"{whole} whole jobs, the rest drawn from them (not independent); {interval.low:.1%} to {interval.high:.1%}; at"
        f" {EXPECTED_FAILS:.1%} none in {len(outcomes)} has a chance of {none:.0%}"
    )
    most = float(scipy.stats.binom.ppf(_CONFIDENCE, len(outcomes), EXPECTED_FAILS))
    return Figure(name="a release against itself: FAIL", value=fails, op="<=", bound=most, runs=(), on=on)


def _open(outcomes: Sequence[Outcome]) -> Figure:
    undecided = sum(one is Outcome.INCONCLUSIVE for one in outcomes)
    on = f"of {len(outcomes)}"
    return Figure(name="a release against itself: INCONCLUSIVE", value=undecided, op=None, bound=None, runs=(), on=on)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
