"""Pages made from a configuration, made anew when that is asked for; a broken one changes nothing and is said."""

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client.metrics_core import Metric

from exporters.names.family import new_gauge
from exporters.names.serving import RELOAD_SUCCESSFUL, RELOAD_TIME
from exporters.serving.http_server import StartResponse
from exporters.serving.pages import OwnFamilies, Pages
from slo.documents import BadInput

_LOG = logging.getLogger(__name__)
_NS_PER_S = 1e9


class ReloadedPages:
    """What `make` returned last; `make` reads the configuration and gives its pages the families that it is handed.

    Raises BadInput when there is no configuration to begin with. `now` is the time in ns since 1970.
    """

    def __init__(self, make: Callable[[OwnFamilies], Pages], now: Callable[[], int]) -> None:
        self._make, self._now = make, now
        self._lock = threading.Lock()
        self._pages = make(self._families)
        self._successful, self._read_at = True, now()

    def answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request by the pages that count now."""
        return self._pages.answer(environ, start_response)

    def reload(self) -> bool:
        """Read the configuration again; returns whether it can be used. A scrape under way ends as it began."""
        with self._lock:
            try:
                pages = self._make(self._families)
            except BadInput as error:
                self._successful = False
                _LOG.error("%s; the configuration that was read before still counts", error)
                return False
            except Exception:  # noqa: BLE001 - a defect of ours mustn't take what is exported down
                self._successful = False
                _LOG.exception("the exporter itself failed; the configuration that was read before still counts")
                return False
            before, self._pages = self._pages, pages
            self._successful, self._read_at = True, self._now()
        before.close()
        _LOG.info("the configuration was read again")
        return True

    def close(self) -> None:
        """Give back what the pages hold."""
        self._pages.close()

    def _families(self) -> Iterable[Metric]:
        for family, value in (
            (RELOAD_SUCCESSFUL, 1.0 if self._successful else 0.0),
            (RELOAD_TIME, self._read_at / _NS_PER_S),
        ):
            gauge = new_gauge(family)
            gauge.add_metric((), value)
            yield gauge
