"""Our side: the product's own locustfile, as `peakproof run` starts it, with the benchmark's shop known to it."""

import os
from contextlib import ExitStack
from functools import partial
from unittest.mock import patch

from loadtests import locustfile
from loadtests.locustfile import Shoppers
from loadtests.results.records import Records, StepBatch
from loadtests.worker import worker
from loadtests.worker.job import read_job
from scripts.benches.engine import shop

__all__ = ["Shoppers"]


class _Counted(Records):
    """Off is: no row of a request is kept, laid out or written. Counts, histograms and live figures stay on."""

    def steps_ended(self, batch: StepBatch) -> None:
        self.requests.rows += len(batch.rows)


_named = ExitStack()  # as long as the process lives
_named.enter_context(shop.named())
patch.object(locustfile, "read_job", partial(read_job, storefront=shop.BENCH)).start()
if os.environ.get(shop.RECORDS_VARIABLE) == "off":
    patch.object(worker, "Records", _Counted).start()  # raises when the engine has no such switch any more
