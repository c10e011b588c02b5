"""`peakproof ci`: a gate or a comparison in a pipeline: played, told to the host, with the exit code that it wants."""

import argparse
import re
import sys
from itertools import pairwise
from pathlib import Path

from scripts.arguments import local_file
from scripts.ci.finished import Finished, blocked, read_finished
from scripts.ci.job import HOSTS, TOKENS, Job, read_job
from scripts.ci.playing import Child, play
from scripts.ci.publishing import Wanted, publish
from scripts.context import Context
from scripts.running.runs import find_comparison, find_held
from slo.documents import BadInput
from slo.outcomes import ExitCode, Outcome

SUMMARY = "play a gate or a comparison in a pipeline, or tell the host of a finished one"
EXAMPLE = "peakproof ci run --host github -- gate plan.yaml --on staging"
FOLDER = Path("peakproof-ci")
_PLAYED = ("gate", "compare")
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,79}$")
_FORK = (
    "a fork's pull request gets no secrets, so nothing was played: to play it, somebody who may write here pushes its"
    " branch into this repository"
)
_NOTHING = "nothing was played, whatever --on-inconclusive or a policy says"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    plays = actions.add_parser("run", help="play `gate …` or `compare …`, retry once where that may help, publish")
    _common(plays)
    plays.add_argument("command", nargs="+", metavar="COMMAND", help="after --: gate or compare with its arguments")
    publishes = actions.add_parser("publish", help="tell the host of a judged run or comparison")
    _common(publishes)
    publishes.add_argument("run_name", metavar="RUN", help="path of a run or comparison, or a run's name")


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", choices=HOSTS, required=True, help="whose variables are read, and who is told")
    parser.add_argument(
        "--name", type=_name, default="peakproof", help="of the check and the comment (default peakproof)"
    )
    parser.add_argument(
        "--on-inconclusive",
        choices=("block", "warn"),
        help="what a verdict does that isn't shown (default: the policy's; else warn for a pull request, else block)",
    )
    parser.add_argument("--policy", type=local_file, metavar="FILE", help="policy file: mode and on_inconclusive")
    parser.add_argument(
        "--objectives",
        type=local_file,
        action="append",
        metavar="FILE",
        help="where the objectives stand that are annotated (default: the command's, else objectives.yaml)",
    )
    parser.add_argument(
        "--to", type=Path, default=FOLDER, metavar="FOLDER", help=f"for the artifact (default {FOLDER}/)"
    )
    parser.add_argument("--evidence", action="store_true", help="records and spans, too, as far as 20 MB hold them")


def run(options: argparse.Namespace, context: Context) -> ExitCode | int:
    """Play and publish, or publish; the exit code is what the host's job should end with (docs/ci.md)."""
    job = read_job(options.host, context.environment, context.folder)
    if options.action == "publish":
        finished = read_finished(_found(options.run_name, context))
        return publish(finished, _wanted(options, context), job, context.environment, context.say, _fork_note(job))
    if options.command[0] not in _PLAYED:
        raise BadInput(f"ci run: expected gate or compare after --, found {options.command[0]}")
    wanted = _wanted(options, context)
    if job.is_fork:
        unplayed = Finished(outcome=Outcome.INCONCLUSIVE, reason=_FORK, code=ExitCode.INCONCLUSIVE)
        return publish(blocked(unplayed, _NOTHING), wanted, job, context.environment, context.say)
    argv = [sys.executable, "-P", "-m", "scripts.cli", *options.command]
    variables = {name: value for name, value in context.environment.items() if name not in TOKENS}
    finished, notes = play(Child(argv=argv, folder=context.folder, variables=variables), context.say)
    return publish(finished, wanted, job, context.environment, context.say, notes)


def _wanted(options: argparse.Namespace, context: Context) -> Wanted:
    given = options.objectives or _named(getattr(options, "command", []), "--objectives") or [Path("objectives.yaml")]
    policies = [options.policy] if options.policy else _named(getattr(options, "command", []), "--policy")
    return Wanted(
        name=options.name,
        folder=context.folder / options.to,
        objectives=[context.folder / one for one in given],
        evidence=options.evidence,
        on_inconclusive=options.on_inconclusive,
        policy=context.folder / policies[-1] if policies else None,
    )


def _named(command: list[str], option: str) -> list[Path]:
    """Return the files that the played command names by an option, so that they aren't named twice."""
    pairs = pairwise(command)
    apart = [Path(value) for name, value in pairs if name == option and value]
    return apart + [Path(one.partition("=")[2]) for one in command if one.startswith(f"{option}=")]


def _found(name: str, context: Context) -> Path:
    return find_comparison(name, context) or find_held(name, context)


def _fork_note(job: Job) -> tuple[str, ...]:
    return ("a fork's pull request gets no token that may write: no check run and no comment",) if job.is_fork else ()


def _name(text: str) -> str:
    if not _NAME.match(text):
        raise argparse.ArgumentTypeError("expected letters, digits, spaces and ._-, at most 80")
    return text
