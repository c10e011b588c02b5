"""Whether the shop's spans join the load's: asked of the parts by SQL, in bounded memory."""

from loadtests.results.parts_database import PartsDatabase
from loadtests.results.run_directory import RunDirectory
from loadtests.results.schemas import REQUESTS, SPANS
from slo.causes.critical_path import SHOPPER
from slo.validity.delivery import RecordedSpans

_SHOPPERS = f"service = '{SHOPPER}' AND kind = 'client'"
_COUNTS = f"SELECT count(*) FILTER ({_SHOPPERS}), count(*) FILTER (NOT ({_SHOPPERS})) FROM spans"  # noqa: S608 - a constant


def recorded_spans(directory: RunDirectory) -> RecordedSpans:
    """Return what spans a run recorded, and whether one of the shop's is of a request; raises BadInput.

    One part from the middle of the run settles nearly every run that has any; all are asked where it doesn't.
    """
    middle = len(directory.parts("spans")) // 2
    with PartsDatabase(directory, {"spans": SPANS, "requests": REQUESTS}) as database:
        ((shoppers, shop),) = database.rows("spans", _COUNTS)
        joined = shop > 0 and (_joins(database, database.part("spans", middle)) or _joins(database, "spans"))
    return RecordedSpans(shoppers=shoppers, shop=shop, joined=joined)


def _joins(database: PartsDatabase, spans: str) -> bool:
    of_shop = f"SELECT trace_id FROM {spans} WHERE NOT ({_SHOPPERS})"  # noqa: S608 - a view's name and a constant
    return bool(database.rows("spans", f"SELECT 1 FROM requests WHERE trace_id IN ({of_shop}) LIMIT 1"))  # noqa: S608 - the same
