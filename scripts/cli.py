"""`peakproof`: reads argv, environment and folder, runs a verb, and turns errors into exit codes."""

import argparse
import gc
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from keyword import iskeyword
from pathlib import Path
from typing import NoReturn

from scripts.context import Context
from scripts.output import Output, drop_output
from slo.documents import BadInput
from slo.formatting import printable
from slo.outcomes import EnvironmentLacks, ExitCode

# The verbs in the order in which one uses them; scripts/verbs/<name>.py each (try_.py for the word of Python's own),
# imported when needed.
VERBS = (
    *("demo", "init", "har", "doctor", "forecast", "plan", "try", "gate", "compare", "run", "audit", "judge", "report"),
    *("verify", "sign", "cleanup", "runs", "slo", "rules", "drill", "dashboards", "exporter", "recorder", "worker"),
    "ci",
)
# How many objects more there are when garbage is looked for. What is imported stays: with Python's own 700 a tenth of a
# command's start is looking at it again and again.
_OBJECTS = 50_000


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code (`slo/outcomes.py`). A message for a person, no traceback, on refusal."""
    arguments, output = sys.argv[1:] if argv is None else list(argv), Output()
    context = Context(
        environment=dict(os.environ),
        folder=Path.cwd(),
        say=output.say,
        is_terminal=sys.stdout.isatty(),
        command=shlex.join(["peakproof", *arguments]),
        keyboard=sys.stdin.fileno() if sys.stdin.isatty() and sys.stdout.isatty() else None,
    )
    signal.signal(signal.SIGTERM, output.interrupt)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup has it ignored
        signal.signal(signal.SIGHUP, output.interrupt)
    try:
        options = build_parser(*arguments[:1]).parse_args(arguments)
        return int(options.run(options, context))
    except BadInput as error:
        return _refuse(str(error), ExitCode.USAGE)
    except EnvironmentLacks as error:
        return _refuse(str(error), ExitCode.INCONCLUSIVE)
    except KeyboardInterrupt:
        return _refuse("stopped by hand or signal", ExitCode.INCONCLUSIVE)
    except BrokenPipeError:
        drop_output()
        return ExitCode.INCONCLUSIVE
    except OSError as error:
        if error.filename is None:
            raise
        return _refuse(f"{error.filename}: {error.strerror}", ExitCode.INCONCLUSIVE)


def command() -> NoReturn:
    """Run one command and end the process with its code.

    With os._exit: everything is written and closed by then, and interpreter shutdown would take half a second.
    """
    gc.set_threshold(_OBJECTS, *gc.get_threshold()[1:])
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = ExitCode.INCONCLUSIVE
    os._exit(code)


class _Parser(argparse.ArgumentParser):
    """Shows what it refuses as a terminal can take it; the verbs' parsers are of the same class."""

    def error(self, message: str) -> NoReturn:
        super().error(printable(message))


def build_parser(verb_name: str | None = None) -> argparse.ArgumentParser:
    """Return the parser of one verb, of all when `verb_name` is none of them; every help ends with an example.

    Importing the other verbs would take longer than most commands do.
    """
    parser = _Parser(
        prog="peakproof",
        description="Play the holiday peak against a web shop's staging before it comes,"
        " and stop the release that would break it.",
        epilog="exit codes: 0 PASS, or done; 99 FAIL; 75 INCONCLUSIVE, or something is missing; 2 wrong usage;"
        " 1 a bug in peakproof",
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    for name in [verb_name] if verb_name in VERBS else VERBS:
        module = import_module(f"scripts.verbs.{name}_" if iskeyword(name) else f"scripts.verbs.{name}")
        summary, example = module.SUMMARY, module.EXAMPLE
        verb = verbs.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=f"example:  {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add(verb)
        verb.set_defaults(run=module.run)
    return parser


def _refuse(message: str, code: ExitCode) -> int:
    with suppress(OSError):  # the terminal may be closed
        print(f"peakproof: {printable(message)}", file=sys.stderr, flush=True)
    return code


if __name__ == "__main__":
    command()
