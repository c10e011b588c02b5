"""`peakproof har`: make a storefront's draft out of a visit that a browser or a proxy recorded."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from loadtests.har.importing import Imported, import_visit
from loadtests.har.reading import read_har
from loadtests.har.words import shown
from scripts.arguments import local_file, write_given
from scripts.context import Context
from scripts.har.targets_piece import accounts_note, targets_piece
from slo.documents import BadInput
from slo.outcomes import ExitCode

SUMMARY = "make a storefront's draft out of a recorded visit"
EXAMPLE = "peakproof har import visit.har"
_TUTORIAL = "docs/from-a-recording.md"
_MOST_SHOWN = 12


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    made = actions.add_parser("import", help="read a HAR file and write a storefront's draft")
    made.add_argument("visit", type=local_file, metavar="VISIT", help="the recorded visit: a HAR file, with bodies")
    made.add_argument(
        "again",
        type=local_file,
        metavar="AGAIN",
        nargs="?",
        help="the same visit by another shopper: shows which values are the shop's own and which vary",
    )
    made.add_argument(
        "-o", "--to", type=Path, default=Path("storefront.py"), metavar="FILE", help="default: storefront.py"
    )
    made.add_argument("--name", default="staging", help="the environment's name in targets.yaml (default staging)")
    made.add_argument(
        "--own",
        action="append",
        default=[],
        metavar="HOST",
        help="a host of another site that is the shop's, repeatable",
    )
    made.add_argument("--force", action="store_true", help="replace a file that exists")


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Write the draft, and targets.yaml beside it where there is none; raises BadInput."""
    path = context.folder / options.to
    if not options.force and (path.exists() or path.is_symlink()):
        raise BadInput(f"{options.to}: exists; --force replaces it, --to FILE writes elsewhere")
    recording = read_har(options.visit)
    again = None if options.again is None else read_har(options.again)
    imported = import_visit(recording, again, options.own)
    write_given(path, imported.draft.text.encode())
    for line in _lines(imported):
        context.say(shown(line))
    context.say(f"written: {options.to}")
    _say_targets(options, context, path, imported)
    return ExitCode.OK


def _say_targets(options: argparse.Namespace, context: Context, path: Path, imported: Imported) -> None:
    piece = targets_piece(options.name, path.name, imported)
    targets = path.with_name("targets.yaml")
    if targets.exists() or targets.is_symlink():
        context.say(f"{options.to.with_name('targets.yaml')} is there: add to it")
        for line in piece.splitlines():
            context.say(f"  {line}")
    else:
        write_given(targets, piece.encode())
        context.say(f"written: {options.to.with_name('targets.yaml')}")
    steps = [f"read {options.to}: {_TUTORIAL}", *accounts_note(imported), f"peakproof try --on {options.name}"]
    for number, step in enumerate(steps, 1):
        context.say(f"next, {number}: {step}")


def _lines(imported: Imported) -> Iterator[str]:
    visit, flow, draft = imported.visit, imported.flow, imported.draft
    pages = sum(one.kind == "page" for one in visit.requests)
    calls = len(visit.requests) - pages
    yield f"{visit.source}: {_some(pages, 'page')} and {_some(calls, 'call')} for data of {', '.join(visit.origins)}"
    if visit.third_parties:
        yield f"left out, third parties: {_counts(visit.third_parties)}; --own HOST takes one in"
    if visit.left_out:
        yield f"left out: {_counts(visit.left_out)}"
    yield from visit.notes
    if alignment := imported.alignment:
        differ = [*(f"only in the first: {one}" for one in alignment.only_first)]
        differ += [f"only in the second: {one}" for one in alignment.only_second]
        yield f"{len(alignment.pairs)} steps are in both recordings"
        yield from differ[:_MOST_SHOWN]
    yield f"steps: {', '.join(draft.steps)}"
    if flow.settings:
        yield f"settings to give, for what is never written down: {', '.join(flow.settings)}"
    if flow.kept:
        yield f"written as recorded: {', '.join(flow.kept)}"
    purchase = imported.purchase
    if purchase is None:
        yield "no request looks like one that places an order: nothing will be audited"
    elif purchase.missing:
        missing = ", ".join(purchase.missing)
        yield f"the order: the recording doesn't show {missing}: write `with self.order(...)` yourself"
    else:
        yield "the order: placed by the step checkout, and in the ledger: SKU, total and number are in the recording"
    yield from draft.notes


def _counts(counted: object) -> str:
    assert isinstance(counted, dict)  # noqa: S101
    shown = [f"{name} {count}" for name, count in list(counted.items())[:_MOST_SHOWN]]
    more = len(counted) - len(shown)
    return ", ".join([*shown, *([f"{more} more"] if more > 0 else [])])


def _some(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
