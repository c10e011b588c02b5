"""Whether the shop's spans join the load's: asked of the parts by SQL, in bounded memory."""

from collections.abc import Sequence
from pathlib import Path

from loadtests.results.parts_database import PartsDatabase
from loadtests.results.run_directory import RunDirectory
from loadtests.results.schemas import REQUESTS, SPANS
from slo.causes.critical_path import SHOPPER
from slo.validity.delivery import RecordedSpans

_SHOPPERS = f"service = '{SHOPPER}' AND kind = 'client'"
_COUNTS = f"SELECT count(*) FILTER ({_SHOPPERS}), count(*) FILTER (NOT ({_SHOPPERS})) FROM spans"  # noqa: S608 - a constant
_JOINED = f"SELECT 1 FROM requests WHERE trace_id IN (SELECT trace_id FROM spans WHERE NOT ({_SHOPPERS})) LIMIT 1"  # noqa: S608 - a constant


def recorded_spans(directory: RunDirectory) -> RecordedSpans:
    """Return what spans a run recorded, and whether one of the shop's is of a request; raises BadInput.

    One part from the middle of the run settles nearly every run that has any; all are asked where it doesn't.
    """
    parts = directory.parts("spans")
    with _database(directory, parts) as database:
        ((shoppers, shop),) = database.rows("spans", _COUNTS)
    middle = parts[len(parts) // 2 :][:1]
    joined = shop > 0 and (_joins(directory, middle) or _joins(directory, parts))
    return RecordedSpans(shoppers=shoppers, shop=shop, joined=joined)


def _joins(directory: RunDirectory, spans: Sequence[Path]) -> bool:
    with _database(directory, spans) as database:
        return bool(database.rows("spans", _JOINED))


def _database(directory: RunDirectory, spans: Sequence[Path]) -> PartsDatabase:
    return PartsDatabase(
        directory, {"spans": SPANS, "requests": REQUESTS}, {"spans": spans, "requests": directory.parts("requests")}
    )
