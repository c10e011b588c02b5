"""`peakproof runs`: lists runs, keeps them in a store, marks baselines, prunes raw records, and draws a season."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from loadtests.results.run_directory import RunDirectory
from loadtests.run_store.local_runs import local_runs
from loadtests.run_store.pruning import DAYS
from scripts.arguments import between, write_given
from scripts.context import Context
from scripts.run_store.listing import as_json, lines, rows
from scripts.run_store.marking import PLANS_OWN, mark_run, unmark
from scripts.run_store.opened import add_store, find_stored, open_store, put_run
from scripts.run_store.pruning import prune
from scripts.run_store.showing import cleaned_up, shown
from scripts.run_store.trending import points_of, terminal_table, trend_page, wanted
from scripts.running.runs import find_run
from slo.documents import BadInput
from slo.outcomes import ExitCode

SUMMARY = "list, show, keep, mark, prune and chart runs; baselines for comparisons"
EXAMPLE = "peakproof runs list --last 10"
_LAST = 30
_SEASON = 400


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    listed = _action(actions, "list", "print the runs here and in the store, the latest last")
    listed.add_argument("--last", type=_number, default=_LAST, metavar="N", help=f"at most so many (default {_LAST})")
    _filters(listed)
    _json(listed)
    show = _action(actions, "show", "print what is kept of a run: its verdict and figures")
    _run_name(show)
    _json(show)
    put = _action(actions, "put", "put a finished run into the store")
    _run_name(put)
    put.add_argument("--no-records", action="store_true", help="only what is kept for years, without raw records")
    get = _action(actions, "get", "bring a run's raw records back from the store")
    get.add_argument("run_name", metavar="RUN", help="its name")
    mark = _action(actions, "mark", "keep a run's raw records, or make it a baseline")
    _run_name(mark)
    mark.add_argument(
        "--baseline",
        nargs="?",
        const=PLANS_OWN,
        metavar="NAME",
        help="make it the baseline NAME (default: the plan's name), if it may become one",
    )
    mark.add_argument("--why", metavar="TEXT", help="kept beside the mark")
    off = _action(actions, "unmark", "remove a mark: the run's raw records may be pruned again")
    off.add_argument("run_name", metavar="RUN", nargs="?", default="", help="the run's name")
    off.add_argument("--baseline", metavar="NAME", help="this baseline, whichever run it is")
    pruned = _action(actions, "prune", "remove raw records that are old and not marked")
    pruned.add_argument(
        "--days", type=_days, default=DAYS, metavar="N", help=f"how old raw records get (default {DAYS})"
    )
    pruned.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    trend = _action(actions, "trend", "chart the p95 of each objective over runs and releases")
    trend.add_argument(
        "--last", type=_number, default=_SEASON, metavar="N", help=f"at most so many runs (default {_SEASON})"
    )
    _filters(trend)
    trend.add_argument("--to", type=Path, default=Path("trend.html"), metavar="FILE", help="default: trend.html")
    _json(trend)


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Do what is asked."""
    return _ACTIONS[options.action](options, context)


def _list(options: argparse.Namespace, context: Context) -> ExitCode:
    contents = open_store(options, context).contents()
    found = [
        one
        for one in rows(local_runs(context.runs), contents)
        if options.plan in (None, one.plan) and options.environment in (None, one.environment)
    ]
    if options.json:
        context.say(as_json(found, contents))
        return ExitCode.OK
    last = found[-options.last :]
    for line in lines(last, contents, left_out=len(found) - len(last)):
        context.say(line)
    return ExitCode.OK


def _show(options: argparse.Namespace, context: Context) -> ExitCode:
    store = open_store(options, context)
    contents = store.contents()
    found = find_stored(options.run_name, store, contents, context).aggregates
    marks = contents.marks_of(found.run)
    if options.json:
        context.say(json.dumps({**found.to_json(), "marks": [one.to_json() for one in marks]}))
        return ExitCode.OK
    for line in (*shown(found, marks), *cleaned_up(context.runs / found.run)):
        context.say(line)
    return ExitCode.OK


def _put(options: argparse.Namespace, context: Context) -> ExitCode:
    store = open_store(options, context)
    directory = RunDirectory(path=find_run(options.run_name, context))
    kept = put_run(store, directory, records=not options.no_records)
    context.say(f"{kept.run}: {kept.outcome or 'not judged'}, in {store.address}")
    return ExitCode.OK


def _get(options: argparse.Namespace, context: Context) -> ExitCode:
    store = open_store(options, context)
    entry = store.contents().entry(options.run_name)
    if entry is None:
        raise BadInput(f"{store.address}: {options.run_name}: not in it; `peakproof runs list` shows what is")
    context.say(str(store.get(entry, context.runs)))
    return ExitCode.OK


def _mark(options: argparse.Namespace, context: Context) -> ExitCode:
    for line in mark_run(options.run_name, options.baseline, options.why, open_store(options, context), context):
        context.say(line)
    return ExitCode.OK


def _unmark(options: argparse.Namespace, context: Context) -> ExitCode:
    if bool(options.run_name) == bool(options.baseline):
        raise BadInput("unmark: expected RUN or --baseline NAME, one of them")
    for line in unmark(options.run_name, options.baseline, open_store(options, context)):
        context.say(line)
    return ExitCode.OK


def _prune(options: argparse.Namespace, context: Context) -> ExitCode:
    for line in prune(open_store(options, context), context, days=options.days, dry_run=options.dry_run):
        context.say(line)
    return ExitCode.OK


def _trend(options: argparse.Namespace, context: Context) -> ExitCode:
    contents = open_store(options, context).contents()
    season = wanted(contents.entries, options.plan, options.environment, options.last)
    if options.json:
        context.say(json.dumps(points_of(season)))
        return ExitCode.OK
    for line in terminal_table(season, contents):
        context.say(line)
    if season.entries:
        write_given(context.folder / options.to, trend_page(season, contents).encode("utf-8", "replace"))
        context.say(str(context.folder / options.to))
    return ExitCode.OK


_ACTIONS: dict[str, Callable[[argparse.Namespace, Context], ExitCode]] = {
    "list": _list,
    "show": _show,
    "put": _put,
    "get": _get,
    "mark": _mark,
    "unmark": _unmark,
    "prune": _prune,
    "trend": _trend,
}


def _action(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str
) -> argparse.ArgumentParser:
    action = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    add_store(action)
    return action


def _run_name(action: argparse.ArgumentParser) -> None:
    action.add_argument("run_name", metavar="RUN", nargs="?", default="latest", help="path, name or latest (default)")


def _filters(action: argparse.ArgumentParser) -> None:
    action.add_argument("--plan", metavar="NAME", help="only runs of this plan")
    action.add_argument("--environment", metavar="NAME", help="only runs on this environment")


def _json(action: argparse.ArgumentParser) -> None:
    action.add_argument("--json", action="store_true", help="print it as JSON")


def _number(text: str) -> int:
    return between(text, 1, 100_000, "a number of runs")


def _days(text: str) -> int:
    return between(text, 1, 36_500, "a number of days")
