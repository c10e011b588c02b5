"""Which release is tested: probed before, during and after a run, and each change kept."""

import json
from collections.abc import Callable

import requests

from loadtests.environment.pinned_http import bounded_get, why_no_answer
from loadtests.environment.resolved_environment import ResolvedEnvironment
from slo.formatting import printable
from slo.outcomes import EnvironmentLacks
from slo.validity.run_document import SeenRelease
from slo.web_addresses import without_secrets

EVERY_S = 5.0
TIMEOUT_S = 1.5  # of a look beside the load; the end of the run waits for it
PROBE_S = 5.0
_SERVER_ERROR = 500
_MOST = 1000
_MAX_RELEASE = 200


class ReleaseWatch:
    """Keeps what `ask` returns and when; None is a shop that named no release."""

    def __init__(self, ask: Callable[[], str | None], now: Callable[[], int], say: Callable[[str], None]) -> None:
        self._ask, self._now, self._say = ask, now, say
        self.seen: list[SeenRelease] = []

    def look(self) -> None:
        """Probe it once."""
        try:
            release = self._ask()
        except EnvironmentLacks:
            release = None
        self.keep(release)

    def keep(self, release: str | None) -> None:
        """Keep a release unless it is the last one again; a change to another is printed at once."""
        if self.seen and self.seen[-1].release == release:
            return
        known = [one.release for one in self.seen if one.release is not None]
        if len(self.seen) < _MOST:
            self.seen.append(SeenRelease(at=self._now(), release=release))
        if release is not None and known and known[-1] != release:
            self._say(f"the release changed from {known[-1]} to {release} while it was tested")


def probe_release(resolved: ResolvedEnvironment, timeout_s: float = PROBE_S) -> str | None:
    """Return the release that the shop says it is, None when no probe is declared.

    Raises EnvironmentLacks when the shop doesn't answer: nothing is loaded that isn't there.
    """
    environment = resolved.environment
    probe = environment.release_probe
    url = environment.base_url + (probe.path if probe else "/")
    shown = without_secrets(url)
    with resolved.http() as http:
        try:
            reply = bounded_get(http, url, timeout_s)
        except requests.RequestException as error:
            raise EnvironmentLacks(f"the shop at {shown} doesn't answer: {why_no_answer(error)}") from error
    if reply.status >= _SERVER_ERROR:
        raise EnvironmentLacks(f"the shop at {shown} answers HTTP {reply.status}")
    return None if probe is None else _release_in(reply.body, probe.field, shown)


def _release_in(body: bytes, field: str, url: str) -> str:
    try:
        release = json.loads(body)[field]
    except (ValueError, KeyError, TypeError, RecursionError):
        release = None
    if not isinstance(release, str | int | float):
        raise EnvironmentLacks(f"the shop at {url} doesn't say its release in the field {field!r}")
    return printable(str(release)[:_MAX_RELEASE], kept="")


def probe_release_or_none(resolved: ResolvedEnvironment) -> str | None:
    """Return the release, None also when the shop doesn't answer any more."""
    try:
        return probe_release(resolved)
    except EnvironmentLacks:
        return None
