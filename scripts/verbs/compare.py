"""`peakproof compare`: two releases in one job, block by block, and whether the new one is worse."""

import argparse
from pathlib import Path

from loadtests.comparison.job import FILE, read_job
from loadtests.demand.demo import PLAN_PATH
from scripts.arguments import add_signers, between, local_file
from scripts.comparing.asked import MAX_MINUTES, SWITCH_TIMEOUT_S, Asked, Switch
from scripts.comparing.judging import judge_and_tell
from scripts.comparing.put_back import NOT_BACK
from scripts.comparing.stand_in import compare_stand_in
from scripts.comparing.switching import compare_by_command, compare_environments
from scripts.comparing.variants import compare_variants
from scripts.context import Context
from scripts.local_stack.ports import Ports
from scripts.local_stack.shop import OBJECTIVES as STAND_IN_OBJECTIVES
from scripts.local_stack.shop import RELEASES as STAND_IN_RELEASES
from scripts.run_store.days import add_days, compare_with_days, is_of_days, release_of_baseline
from scripts.running.evidence import Trust
from scripts.running.runs import find_comparison
from scripts.verbs.run import OBJECTIVES, add_files, add_permission, add_port_base, add_workers
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks, ExitCode
from slo.policy.policy import read_policy
from slo.regression.design import BOTH_UP_LOOKS, Design
from slo.regression.settings import ComparisonSettings

SUMMARY = "compare two releases in one job, block by block: FAIL where the new one is shown to be worse"
EXAMPLE = "peakproof compare plan.yaml --on staging"
_FEWEST_PAIRS, _MOST_PAIRS = 3, 100
_SHORTEST_S, _LONGEST_S = 5, 600
_SKIP_S, _SKIP_SHARE = 5.0, 1 / 6


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("plan", type=Path, nargs="*", metavar="PLAN", help="the plan whose mix and level are played")
    parser.add_argument("--on", metavar="ENVIRONMENT", help="the environment's name in the targets file")
    parser.add_argument("--judge", type=Path, metavar="JOB", help="judge a comparison's folder again, without load")
    parser.add_argument(
        "--unverified",
        action="store_true",
        help="with --judge: judge runs though nothing shows that their evidence is whole, such as ones of before",
    )
    add_signers(parser, "with --judge: ")
    add_files(parser)
    parser.add_argument(
        "--policy", type=local_file, metavar="FILE", help="tolerances and error rates (peakproof/policy/v1)"
    )
    parser.add_argument(
        "--max-minutes",
        type=_minutes,
        default=MAX_MINUTES,
        metavar="N",
        help=f"refuse a job that would take longer (default {MAX_MINUTES:g})",
    )
    parser.add_argument("--same", action="store_true", help="compare a release with itself: how noise is recorded")
    parser.add_argument(
        "--pairs", type=_pairs, metavar="N", help="play at most so many pairs (default: by the looks, 12)"
    )
    parser.add_argument(
        "--block", type=_block, metavar="SECONDS", help="the length of a block (default: by the plan, 30 or more)"
    )
    add_switch(parser)
    add_days(parser)
    add_permission(parser)
    add_workers(parser)
    add_port_base(parser)


def add_switch(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments of releases that aren't both up in one environment."""
    parser.add_argument(
        "--switch",
        metavar="COMMAND",
        help="puts a release up between blocks: {variant} in it, and PEAKPROOF_VARIANT, is a (what is up now) or b",
    )
    parser.add_argument(
        "--switch-s", type=_seconds, metavar="SECONDS", help="what a switch takes (default: two are timed first)"
    )
    parser.add_argument(
        "--switch-timeout",
        type=_seconds,
        default=SWITCH_TIMEOUT_S,
        metavar="SECONDS",
        help=f"how long the command, and then the release, is waited for (default {SWITCH_TIMEOUT_S:g})",
    )
    parser.add_argument(
        "--with", dest="other", metavar="ENVIRONMENT", help="the environment that B runs in, beside --on's"
    )
    parser.add_argument(
        "--stand-in",
        nargs=2,
        choices=STAND_IN_RELEASES,
        metavar=("A", "B"),
        help=f"two releases of the stand-in shop, which is started: {', '.join(STAND_IN_RELEASES)}",
    )


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Play the blocks and judge them; 0 PASS, 99 FAIL, 75 INCONCLUSIVE.

    The last line is the outcome with the page to open, the line before it `comparison=` with the job's folder.
    """
    if is_of_days(options):
        return compare_with_days(options, context, _settings(options))
    if options.judge is not None:
        if options.plan or options.on:
            raise BadInput("--judge reads a comparison that was played: leave PLAN and --on out")
        trust = Trust(unverified=options.unverified, signers=options.signers, variables=context.environment)
        return judge_and_tell(_folder(options.judge, context), context, trust)
    if options.unverified:
        raise BadInput("--unverified goes with --judge: what is played now leaves a manifest")
    if options.signers is not None:
        raise BadInput("--signers goes with --judge: what is played now isn't signed yet")
    folder = _played(options, _asked(options), context)
    code = judge_and_tell(folder, context)
    left = next((note for note in read_job(folder).notes if note.startswith(NOT_BACK)), None)
    if left is None:
        return code
    context.say(left)
    return code or ExitCode.INCONCLUSIVE


def _played(options: argparse.Namespace, asked: Asked, context: Context) -> Path:
    """Play the comparison in the way that the arguments name; return its folder."""
    given = (("--switch", options.switch), ("--with", options.other), ("--stand-in", options.stand_in))
    ways = [way for way, value in given if value]
    if len(ways) > 1:
        raise BadInput(f"{' and '.join(ways)} exclude each other: each is a way to two releases")
    if options.switch_s is not None and options.switch is None:
        raise BadInput("--switch-s says what --switch takes, and there is none")
    if options.baseline is not None and options.switch is None:
        raise BadInput("--baseline: needs --switch COMMAND, which puts that release up as A")
    if options.switch is not None:
        switch = Switch(
            text=options.switch,
            baseline=release_of_baseline(options, context),
            takes_s=options.switch_s,
            timeout_s=options.switch_timeout,
        )
        file = compare_by_command(asked, switch, context)
    elif options.other is not None:
        file = compare_environments(asked, options.other, context)
    elif options.stand_in is not None:
        file = compare_stand_in(asked, tuple(options.stand_in), context)
    else:
        file = compare_variants(asked, context)
    if not file.job.blocks:
        raise EnvironmentLacks(f"nothing to judge: {file.job.because or 'no block was played to its end'}")
    return file.folder


def _asked(options: argparse.Namespace) -> Asked:
    plan = _plan(options)
    if options.stand_in is not None and options.on is not None:
        raise BadInput("--stand-in starts its own environment: leave --on out")
    if options.on is None and options.stand_in is None:
        raise BadInput("--on ENVIRONMENT is missing: the environment's name in the targets file")
    _settings(options)  # a policy that can't be read is refused before anything is made
    return Asked(
        plan=plan,
        objectives=tuple(options.objectives or [STAND_IN_OBJECTIVES if options.stand_in else OBJECTIVES]),
        targets=options.targets,
        on=options.on or "",
        ports=Ports(base=options.port_base),
        workers=options.workers,
        permit=options.permit,
        lease_folder=options.lease_folder,
        max_minutes=options.max_minutes,
        same=options.same,
        design=_design(options.pairs, options.block),
        policy=options.policy,
    )


def _settings(options: argparse.Namespace) -> ComparisonSettings:
    return ComparisonSettings() if options.policy is None else read_policy(options.policy).comparison


def _plan(options: argparse.Namespace) -> Path:
    """Return the plan; refuse runs, which can't be compared by blocks that they don't have."""
    if len(options.plan) == 1 and not options.plan[0].is_dir():
        return local_file(str(options.plan[0]))
    if not options.plan and options.stand_in is not None:
        return PLAN_PATH
    if not options.plan:
        raise BadInput("PLAN is missing: the plan whose mix and level are played")
    raise BadInput(
        f"{' '.join(map(str, options.plan))}: two runs can't be compared: what differs between their moments would be"
        " taken for the release; play both releases in one job: peakproof compare PLAN --on ENVIRONMENT"
    )


def _design(pairs: int | None, block_s: int | None) -> Design | None:
    """Return the design that was asked for, None where the plan's own is wanted."""
    if pairs is None and block_s is None:
        return None
    most = pairs or BOTH_UP_LOOKS[-1]
    looks = (*(one for one in BOTH_UP_LOOKS if one < most), most)
    lasts_s = float(block_s or 30)
    return Design(looks=looks, block_s=lasts_s, skip_s=min(_SKIP_S, lasts_s * _SKIP_SHARE))


def _folder(path: Path, context: Context) -> Path:
    found = find_comparison(str(path), context)
    if found is None:
        raise BadInput(f"{path}: holds no {FILE}: name the folder of a comparison")
    return found


def _minutes(text: str) -> float:
    return between(text, 1, 1440, "a number of minutes")


def _seconds(text: str) -> float:
    return between(text, 1, 3600, "a number of seconds")


def _pairs(text: str) -> int:
    return between(text, _FEWEST_PAIRS, _MOST_PAIRS, "a number of pairs")


def _block(text: str) -> int:
    return between(text, _SHORTEST_S, _LONGEST_S, "a number of seconds")
