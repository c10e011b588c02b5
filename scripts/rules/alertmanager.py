"""`peakproof rules alertmanager`: write Alertmanager's configuration around the user's receivers."""

import argparse
from pathlib import Path

from scripts.arguments import between, local_file, write_given
from scripts.context import Context
from slo.outcomes import ExitCode
from slo.rules.alertmanager import EVALUATION_S, Routing, document, read_receivers

SUMMARY = "write Alertmanager's configuration: routes and inhibition around your receivers"
_MOST_EVALUATION_S = 600


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument(
        "receivers", type=local_file, metavar="RECEIVERS", help="file with `receivers`, as Alertmanager reads them"
    )
    parser.add_argument("--page", required=True, metavar="NAME", help="receiver of the pages")
    parser.add_argument("--ticket", required=True, metavar="NAME", help="receiver of the tickets")
    parser.add_argument("--other", metavar="NAME", help="receiver of everything else (default: that of the tickets)")
    parser.add_argument(
        "--page-environment",
        action="append",
        default=[],
        metavar="ENVIRONMENT",
        help="an environment whose pages page; may be repeated, without one none pages",
    )
    parser.add_argument(
        "--evaluation",
        type=lambda text: between(text, 1, _MOST_EVALUATION_S, "seconds"),
        default=EVALUATION_S,
        metavar="SECONDS",
        help=f"how often Prometheus evaluates its rules (default {EVALUATION_S})",
    )
    parser.add_argument("--to", type=local_file, metavar="FILE", help="write it to FILE instead of printing it")


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Write the configuration; raises BadInput."""
    routing = Routing(
        page=options.page,
        ticket=options.ticket,
        other=options.other or options.ticket,
        page_environments=tuple(options.page_environment),
        evaluation_s=options.evaluation,
    )
    text = document(routing, read_receivers(options.receivers))
    if options.to is None:
        context.say(text.rstrip("\n"))
    else:
        write_given(Path(options.to), text.encode())
        context.say(f"{options.to}: check it with amtool check-config {options.to}")
    return ExitCode.OK
