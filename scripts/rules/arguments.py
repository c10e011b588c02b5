"""Arguments of the commands that make or check rules: which environment, what selects its series, how often scraped."""

import argparse
import re

from slo.objectives.selectors import parse_selector
from slo.rules.build import Pace
from slo.rules.scope import Scope

ANY = "any"
_ENVIRONMENT = re.compile(r"[a-zA-Z0-9]([-_.a-zA-Z0-9]{0,61}[a-zA-Z0-9])?")
_INTERVAL = re.compile(r"([1-9]\d{0,3})(s|m)")
_LONGEST_S = 60


def add_scope(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Add --environment, --matcher and --scrape-interval."""
    parser.add_argument(
        "--environment", required=required, type=_environment, metavar="NAME", help="the environment that is watched"
    )
    parser.add_argument(
        "--matcher",
        type=_matchers,
        metavar="MATCHERS",
        help='what selects its series (default environment="NAME"; empty where Prometheus watches it alone)',
    )
    parser.add_argument(
        "--scrape-interval", type=_interval, default=15, metavar="TIME", help="how often targets are scraped (15s)"
    )


def scope_of(options: argparse.Namespace) -> Scope:
    """Return the environment; without one, every series is looked at."""
    if options.environment is None:
        return Scope(environment=ANY, matcher=options.matcher or "")
    return Scope(environment=options.environment, matcher=options.matcher)


def pace_of(options: argparse.Namespace) -> Pace:
    """Return how often is scraped and evaluated."""
    return Pace(scrape_interval_s=options.scrape_interval)


def _environment(text: str) -> str:
    if not _ENVIRONMENT.fullmatch(text):
        raise argparse.ArgumentTypeError(f"expected letters, digits, - _ and . such as production, found {text!r}")
    return text


def _matchers(text: str) -> str:
    try:
        found = parse_selector(f"any_total{{{text}}}").matchers
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if vague := [one for one in found if one.op != "="]:
        raise argparse.ArgumentTypeError(f'expected label="value" alone, found {vague[0].label}{vague[0].op}…')
    return text


def _interval(text: str) -> int:
    match = _INTERVAL.fullmatch(text)
    seconds = int(match[1]) * {"s": 1, "m": 60}[match[2]] if match else 0
    if not 0 < seconds <= _LONGEST_S:
        raise argparse.ArgumentTypeError(f"expected from 1s to {_LONGEST_S}s, such as 15s, found {text}")
    return seconds
