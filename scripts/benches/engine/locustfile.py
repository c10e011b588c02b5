"""Our side: the product's own locustfile, as `peakproof run` starts it, with the benchmark's shop known to it."""

import os
from unittest.mock import patch

from loadtests import player
from loadtests.locustfile import Shoppers
from loadtests.records import Parts
from loadtests.run_directory import REQUESTS, RunDirectory
from scripts.benches.engine import shop, variables

__all__ = ["Shoppers"]


class _CountedParts(Parts):
    """Off is: no row of a request is kept, laid out or written. Counts, histograms and live figures stay on."""

    def add(self, record: object, now: int) -> None:  # noqa: ARG002 - the rows are what is off
        self.rows += 1


def _counted(directory: RunDirectory, worker: str) -> Parts:
    return _CountedParts(directory, "requests", worker, REQUESTS)


shop.register()
if os.environ.get(variables.RECORDS) == "off":
    patch.object(player, "request_parts", _counted).start()  # raises when the engine has no such switch any more
