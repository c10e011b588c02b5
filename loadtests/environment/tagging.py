"""The headers that mark every request of a run as a test's."""

from collections.abc import Mapping
from urllib.parse import quote

from loadtests.environment.targets import Tagging


def shopper_headers(run: str, version: str, tag: Tagging) -> Mapping[str, str]:
    """Return the headers that tag every request of a run as a test's; baggage (W3C) goes on behind the shop."""
    headers = {"User-Agent": f"peakproof/{version}", tag.header: run, "Accept": "application/json"}
    return {**headers, "baggage": f"peakproof.run={quote(run, safe='')}"} if tag.baggage else headers
