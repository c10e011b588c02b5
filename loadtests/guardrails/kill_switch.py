"""The environment's kill URL: a page that its owner changes to end a run from outside, whoever started it.

It says stop with HTTP 410, with the one word `stop`, or with `{"stop": true}`, in whatever encoding. It must answer: a
kill URL that doesn't for 10 s in a row ends the run as well, because then it couldn't be ended from outside.
"""

import json
import re
import time
from collections.abc import Callable, Iterator

import requests

from loadtests.environment.pinned_http import BoundedReply, PinnedHttp, bounded_get, why_no_answer
from loadtests.environment.targets import Environment
from slo.outcomes import EnvironmentLacks

TIMEOUT_S = 1.0
SILENCE_S = 10.0
_OK, _GONE = 200, 410
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_ENCODINGS = ("utf-8-sig", "utf-32", "utf-16", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "latin-1")
_AROUND = " \t\r\n\f\v\0\ufeff\u200b\xa0\x85\u2028\u2029\x1a"


class KillSwitch:
    """Polls the kill URL; `why_stop` is why the run must end, None while it may go on."""

    def __init__(self, url: str, http: requests.Session, clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._http, self._clock = url, http, clock
        self._heard_at = clock()
        self.why_stop: str | None = None

    def look(self) -> None:
        """Poll it once."""
        if self.why_stop is not None:
            return
        try:
            stops = says_stop(self._url, self._http)
        except EnvironmentLacks as error:
            if self._clock() - self._heard_at >= SILENCE_S:
                self.why_stop = f"{error}, for {SILENCE_S:g} s: the run couldn't be ended from outside"
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
    return any(_is_stop(text) for text in _readings(reply))


def _readings(reply: BoundedReply) -> Iterator[str]:
    """Yield the page's text in each encoding that it may be written in: to read it as another would miss a stop."""
    charset = _CHARSET.search(reply.headers.get("content-type", ""))
    for encoding in (*([charset[1]] if charset else []), *_ENCODINGS):
        try:
            yield reply.body.decode(encoding)
        except (UnicodeError, LookupError):  # another encoding, or a name of none
            continue


def _is_stop(text: str) -> bool:
    text = text.strip(_AROUND)
    if text.lower() == "stop":
        return True
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(answer, dict) and answer.get("stop") is True


def check_kill_url(environment: Environment, http: PinnedHttp) -> None:
    """Raise EnvironmentLacks when the kill URL that is declared says stop already, or doesn't answer."""
    if environment.kill_url is not None and says_stop(environment.kill_url, http):
        raise EnvironmentLacks(f"the kill URL {environment.kill_url} says stop: no run may begin")
