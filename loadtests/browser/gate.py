"""Which requests of the browser may be sent: to which origins, with which headers, and how many a second."""

from collections.abc import Callable, Mapping

from loadtests.client.origin import Origin
from loadtests.environment.ceilings import CeilingReachedError, Ceilings


class Gate:
    """Decides on each request; `headers` by base URL go to that origin and nowhere else, other origins are blocked.

    Of `ceilings` those of single hosts are by base URL, too.

    `blocked` counts the requests that weren't sent, `held` those that had to wait for room under the ceiling.
    """

    def __init__(self, headers: Mapping[str, Mapping[str, str]], ceilings: Ceilings, now: Callable[[], int]) -> None:
        self._headers = {Origin.of(url).site: own for url, own in headers.items()}
        self._urls = {Origin.of(url).site: url for url in headers}
        self._ceilings, self._now = ceilings, now
        self.blocked = 0
        self.held = 0

    def headers_to(self, url: str) -> Mapping[str, str] | None:
        """Return the headers for requests to that URL, None when none may be sent there."""
        try:
            return self._headers.get(Origin.of(url).site)
        except ValueError:
            return None

    def has_room(self, url: str) -> bool:
        """Take one request from the ceilings; return whether there was room for it."""
        try:
            self._ceilings.take_request(self._now(), self._urls.get(Origin.of(url).site))
        except CeilingReachedError:
            return False
        return True
