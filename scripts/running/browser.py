"""The one real browser beside a run's load: its program, its shopper, and what it saw. Nothing of it is judged."""

from collections.abc import Callable
from pathlib import Path

from loadtests.browser.chromium import check_playwright, find_chromium
from loadtests.browser.visits import BrowserShopper, check_browser, job_of
from loadtests.environment.resolved_environment import ResolvedEnvironment
from loadtests.results.inputs import Inputs
from loadtests.results.run_directory import RunDirectory
from scripts.context import Context
from slo.validity.run_document import BrowserFacts


def find_browser(inputs: Inputs, context: Context) -> Path:
    """Return the browser's program; raises EnvironmentLacks without one, or where it can't be used."""
    check_browser(inputs.environment)
    check_playwright()
    return find_chromium(context.environment)


def shopper_of(
    program: Path, directory: RunDirectory, inputs: Inputs, resolved: ResolvedEnvironment, context: Context
) -> BrowserShopper:
    """Return the shopper that uses the browser for as long as its block lasts; no failure of it ends the run."""
    return BrowserShopper(job_of(program, directory, inputs.plan, resolved), directory, context.environment)


def seen_by(shopper: BrowserShopper, say: Callable[[str], None]) -> BrowserFacts:
    """Return what the shopper saw, and say so."""
    facts = BrowserFacts.model_validate(shopper.facts.model_dump())
    say(f"the browser saw {facts.pages} pages")
    if facts.why_not_more is not None:
        say(f"the browser saw no more: {facts.why_not_more}")
    return facts
