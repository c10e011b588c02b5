"""The environment's kill URL: a page that its owner changes to end a run from outside, whoever started it.

It says stop with HTTP 410, with the one word `stop`, or with `{"stop": true}`. It must be there: a switch that doesn't
answer for 10 s in a row ends the run as well, for nobody could end it then.
"""

import json
import time
from collections.abc import Callable

import requests

from loadtests.environment.pinned_http import PinnedHttp, bounded_get, why_no_answer
from loadtests.environment.targets import Environment
from slo.outcomes import EnvironmentLacks

TIMEOUT_S = 1.0
SILENCE_S = 10.0
_OK, _GONE = 200, 410


class KillSwitch:
    """Asks the kill URL; `why_stop` is what it, or its silence, means for the run."""

    def __init__(self, url: str, http: requests.Session, clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._http, self._clock = url, http, clock
        self._heard_at = clock()
        self.why_stop: str | None = None

    def look(self) -> None:
        """Ask once."""
        if self.why_stop is not None:
            return
        try:
            stops = says_stop(self._url, self._http)
        except EnvironmentLacks as error:
            if self._clock() - self._heard_at >= SILENCE_S:
                self.why_stop = f"{error}, for {SILENCE_S:g} s: nobody could end the run"
            return
        self._heard_at = self._clock()
        if stops:
            self.why_stop = f"the kill URL {self._url} says stop"


def says_stop(url: str, http: requests.Session) -> bool:
    """Whether the kill URL says stop now; raises EnvironmentLacks when it doesn't answer 200."""
    try:
        reply = bounded_get(http, url, TIMEOUT_S)
    except requests.RequestException as error:
        raise EnvironmentLacks(f"the kill URL {url} doesn't answer: {why_no_answer(error)}") from error
    if reply.status == _GONE:
        return True
    if reply.status != _OK:
        raise EnvironmentLacks(f"the kill URL {url} doesn't answer: HTTP {reply.status}")
    text = reply.body.decode(errors="replace").strip()
    if text.lower() == "stop":
        return True
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(told, dict) and told.get("stop") is True


def check_kill_url(environment: Environment, http: PinnedHttp) -> None:
    """Raise EnvironmentLacks when the kill URL that is declared says stop already, or doesn't answer."""
    if environment.kill_url is not None and says_stop(environment.kill_url, http):
        raise EnvironmentLacks(f"the kill URL {environment.kill_url} says stop: no run may begin")
