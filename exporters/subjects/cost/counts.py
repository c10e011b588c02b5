"""Orders and requests of each day (UTC), from a CSV file or from a Prometheus; a day that isn't known isn't there."""

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import requests
from pydantic import Field, ValidationError

from exporters.context import ExporterContext
from exporters.serving.scrape import Read
from exporters.serving.source import Answer, Deadline, Unreadable
from exporters.subjects.cost.config import CountsConfig, PrometheusCounts
from loadtests.environment.credentials import Secret, masks_of
from loadtests.environment.direct_http import DirectSession
from loadtests.environment.notice_targets import Token
from loadtests.environment.pinned_http import bounded_request, why_no_answer
from slo.documents import BadInput, read_text

DAYS = 14
_WHOLE_DAY = 0.95  # of the samples that the best day has: a day with a longer gap isn't known
_MAX_BYTES, _MAX_ROWS = 4 << 20, 100_000
_OK = 200
_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyCounts:
    """How many orders were accepted and requests served on each day that is known."""

    orders: Mapping[date, float]
    requests: Mapping[date, float] = field(default_factory=dict)


def counts_reader(config: CountsConfig, context: ExporterContext) -> Read[DailyCounts]:
    """Return how the counts are read; raises BadInput for a token that isn't given."""
    if config.file is not None:
        path = context.path(config.file)
        return lambda _: counts_in(path)
    assert config.prometheus is not None  # noqa: S101 - the model has one of them
    asked, token = config.prometheus, _token(config.prometheus.token, context)

    def read(deadline: Deadline) -> DailyCounts:
        now = datetime.fromtimestamp(context.now() / 1e9, UTC)
        return DailyCounts(
            orders=counted(asked, asked.orders, token, now, deadline),
            requests={} if asked.requests is None else counted(asked, asked.requests, token, now, deadline),
        )

    return read


def counts_in(path: Path) -> DailyCounts:
    """Read a CSV file `day,orders,requests`; the last column may be left out. Raises Unreadable."""
    try:
        rows = list(csv.DictReader(io.StringIO(read_text(path, _MAX_BYTES)), strict=True))
    except (BadInput, csv.Error) as error:
        raise Unreadable(f"{path}: {str(error).removeprefix(f'{path}: ')}") from error
    if not rows or not {"day", "orders"} <= rows[0].keys() or len(rows) > _MAX_ROWS:
        raise Unreadable(f"{path}: expected a first line day,orders,requests and 1 to {_MAX_ROWS} days")
    orders: dict[date, float] = {}
    served: dict[date, float] = {}
    for line, row in enumerate(rows, 2):
        if None in row:
            raise Unreadable(f"{path}: line {line}: more fields than the first line names")
        try:
            day = date.fromisoformat(row["day"])
        except (ValueError, TypeError):
            raise Unreadable(f"{path}: line {line}: day: expected YYYY-MM-DD, found {row['day']!r:.60}") from None
        if day in orders:
            raise Unreadable(f"{path}: line {line}: day: {day} stands there twice")
        orders[day] = _count(row["orders"], f"{path}: line {line}: orders")
        if row.get("requests"):
            served[day] = _count(row["requests"], f"{path}: line {line}: requests")
    return DailyCounts(orders=orders, requests=served)


def _count(text: str | None, place: str) -> float:
    if text is None or not text.isascii() or not text.isdecimal() or len(text) > 15:  # noqa: PLR2004 - exact as a float
        raise Unreadable(f"{place}: expected a whole number from 0 up, found {text!r:.60}")
    return float(text)


class _Series(Answer):
    values: tuple[tuple[float | int, Annotated[str, Field(max_length=40)]], ...]


class _Matrix(Answer):
    result: tuple[_Series, ...] = Field(max_length=1)


class _Answer(Answer):
    status: Literal["success"]
    data: _Matrix


def counted(
    asked: PrometheusCounts, selector: str, token: Secret | None, now: datetime, deadline: Deadline
) -> Mapping[date, float]:
    """Return by how much a counter grew on each of the last 14 days that Prometheus has samples of throughout.

    `increase` extrapolates to the day's borders: by less than one scrape interval at each. Raises Unreadable.
    """
    samples = _range(asked, f"max(count_over_time({selector}[1d]))", token, now, deadline)
    whole = _WHOLE_DAY * max(samples.values(), default=math.inf)
    grew = _range(asked, f"sum(increase({selector}[1d]))", token, now, deadline)
    return {day: count for day, count in grew.items() if samples.get(day, 0.0) >= whole}


def _range(
    asked: PrometheusCounts, query: str, token: Secret | None, now: datetime, deadline: Deadline
) -> dict[date, float]:
    """Return a query's values at the end of each day, by that day."""
    end = now.replace(hour=0, minute=0, second=0, microsecond=0)
    form = {
        "query": query, "start": f"{(end - timedelta(days=DAYS - 1)).timestamp():.0f}",
        "end": f"{end.timestamp():.0f}", "step": "86400",
    }  # fmt: skip
    found = _asked(asked.url, form, token, deadline).data.result
    values = {} if not found else {float(at): _number(text, asked.url) for at, text in found[0].values}
    return {(datetime.fromtimestamp(at, UTC) - timedelta(days=1)).date(): value for at, value in values.items()}


def _number(text: str, url: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise Unreadable(f"{url}: a count of a day is {text!r}, expected a number from 0 up")
    return value


def _asked(url: str, form: Mapping[str, str], token: Secret | None, deadline: Deadline) -> _Answer:
    secrets = () if token is None else (token.reveal(),)
    headers = {"Authorization": f"Bearer {secrets[0]}"} if secrets else {}
    with DirectSession() as session:
        query = requests.Request("GET", f"{url}/api/v1/query_range", params=form).prepare().url or ""
        try:
            reply = bounded_request(
                session, "GET", query, max(0.001, min(_TIMEOUT_S, deadline.left_s())),
                headers=headers, masks=masks_of(secrets),
            )  # fmt: skip
        except requests.RequestException as error:
            raise Unreadable(f"{url}: no whole answer: {why_no_answer(error)}") from error
    if reply.status != _OK or not reply.whole:
        raise Unreadable(f"{url}: answered {reply.status}, expected 200 and at most 1 MiB")
    try:
        return _Answer.model_validate_json(reply.body)
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"])) or "the answer"
        raise Unreadable(f"{url}: {place}: {error.errors()[0]['msg']}") from None


def _token(token: Token | None, context: ExporterContext) -> Secret | None:
    if token is None:
        return None
    if token.env is not None:
        text, where = context.variables.get(token.env, ""), f"the environment variable {token.env}"
    else:
        path = context.path(str(token.file))
        text, where = read_text(path).rstrip("\r\n"), str(path)
    if not text or not text.isascii() or not text.isprintable():
        raise BadInput(f"{where}: expected a token, as cost.counts.prometheus.token names it")
    return Secret(text, where)
