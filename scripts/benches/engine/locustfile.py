"""Our side: the product's own locustfile, as `peakproof run` starts it, with the benchmark's shop known to it."""

import os
from unittest.mock import patch

from loadtests.locustfile import Shoppers
from loadtests.results.records import Records, StepBatch
from loadtests.worker import worker as player
from scripts.benches.engine import shop

__all__ = ["Shoppers"]


class _Counted(Records):
    """Off is: no row of a request is kept, laid out or written. Counts, histograms and live figures stay on."""

    def steps_ended(self, batch: StepBatch) -> None:
        self.requests.rows += len(batch.rows)


shop.register()
if os.environ.get(shop.RECORDS_VARIABLE) == "off":
    patch.object(player, "Records", _Counted).start()  # raises when the engine has no such switch any more
