"""How far PostgreSQL's standbys are behind, and when WAL was last archived, by SQL.

A standby that has replayed all it received isn't caught up when nothing reaches it any more: so its lag is 0 only
while it is streaming and has replayed what its primary last said it has. The user needs the role pg_monitor.
https://www.postgresql.org/docs/current/monitoring-stats.html
"""

from collections.abc import Callable, Mapping, Sequence

from exporters.context import ExporterContext
from exporters.serving.source import Deadline, Unreadable
from exporters.sources.sql import SqlConfig, SqlSource
from exporters.subjects.recovery.config import Replication, WalArchive
from exporters.subjects.recovery.values import Standby, Standbys, WalArchived

SILENCE_S = 60.0
"""wal_sender_timeout's default: a primary that lives says so at least every half of it."""
SKEW_S = 1.0
"""How far below zero a lag may lie by two clocks that are a little apart."""
_STANDBY = (
    "SELECT pg_is_in_recovery() AS in_recovery, receiver.pid AS receiver, receiver.status AS status,"
    " EXTRACT(EPOCH FROM clock_timestamp() - receiver.last_msg_receipt_time)::float8 AS silence_s,"
    " pg_last_wal_replay_lsn() >= receiver.latest_end_lsn AS caught_up,"
    " EXTRACT(EPOCH FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 AS behind_s,"
    " EXTRACT(EPOCH FROM pg_last_xact_replay_timestamp())::float8 AS replayed_at_s"
    " FROM (SELECT 1) AS one LEFT JOIN pg_stat_wal_receiver AS receiver ON true"
)
_PRIMARY = (
    "SELECT application_name AS name, state, EXTRACT(EPOCH FROM replay_lag)::float8 AS lag_s,"
    " pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::float8 AS behind_bytes"
    " FROM pg_stat_replication WHERE state IS DISTINCT FROM 'backup'"
)
_ARCHIVER = (
    "SELECT current_setting('archive_mode') AS mode, EXTRACT(EPOCH FROM last_archived_time)::float8 AS archived_at_s,"
    " EXTRACT(EPOCH FROM last_failed_time)::float8 AS failed_at_s FROM pg_stat_archiver"
)
Row = Mapping[str, object]
Query = Callable[[Deadline], Sequence[Row]]


def replication(name: str, config: Replication, context: ExporterContext, place: str) -> Callable[[Deadline], Standbys]:
    """Return the read of a standby itself, or of a primary's standbys; it raises Unreadable."""
    if config.standby is not None:
        ask = _asked(SqlConfig(url=config.standby, query=_STANDBY), tuple(_STANDBY_COLUMNS), context, place)
        return lambda deadline: Standbys(standbys=(standby_itself(name, ask(deadline), place),))
    assert config.primary is not None  # noqa: S101 - the configuration has one of them
    ask = _asked(SqlConfig(url=config.primary, query=_PRIMARY), tuple(_PRIMARY_COLUMNS), context, place)
    return lambda deadline: Standbys(standbys=standbys_of(config.standbys, ask(deadline), place))


def wal_archive(config: WalArchive, context: ExporterContext, place: str) -> Callable[[Deadline], WalArchived]:
    """Return the read of a primary's archiver; it raises Unreadable."""
    ask = _asked(
        SqlConfig(url=config.primary, query=_ARCHIVER), ("mode", "archived_at_s", "failed_at_s"), context, place
    )
    return lambda deadline: archived(ask(deadline), place)


_STANDBY_COLUMNS = ("in_recovery", "receiver", "status", "silence_s", "caught_up", "behind_s", "replayed_at_s")
_PRIMARY_COLUMNS = ("name", "state", "lag_s", "behind_bytes")


def _asked(config: SqlConfig, columns: Sequence[str], context: ExporterContext, place: str) -> Query:
    source = SqlSource(config, context, place)

    def ask(deadline: Deadline) -> Sequence[Row]:
        table = source.read(columns, deadline)
        return [{name: table.columns[name][row] for name in columns} for row in range(table.rows)]

    return ask


def standby_itself(name: str, rows: Sequence[Row], place: str) -> Standby:
    """Return what a standby says of itself; raises Unreadable when it is none, or mayn't be asked."""
    row = _only(rows, place)
    if row["in_recovery"] is not True:
        raise Unreadable(f"{place}: isn't a standby: it is not in recovery; was it promoted?")
    if row["receiver"] is not None and row["status"] is None:
        raise Unreadable(f"{place}: its WAL receiver is hidden from this user; grant it pg_monitor")
    silence_s = _number(row["silence_s"], place)
    streaming = row["status"] == "streaming" and silence_s is not None and silence_s <= SILENCE_S
    behind_s = _lag(row["behind_s"], place)
    lag_s = None
    if streaming and row["caught_up"] is not None:
        lag_s = 0.0 if row["caught_up"] else behind_s
    return Standby(name=name, streaming=streaming, lag_s=lag_s, replayed_at_s=_number(row["replayed_at_s"], place))


def standbys_of(expected: Sequence[str], rows: Sequence[Row], place: str) -> tuple[Standby, ...]:
    """Return what a primary says of each standby that is expected; one that isn't connected isn't streaming."""
    names = [str(row["name"]) for row in rows]
    twice = next((name for name in expected if names.count(name) > 1), None)
    if twice is not None:
        raise Unreadable(f"{place}: has two standbys named {twice}; give each its own application_name")
    by_name = dict(zip(names, rows, strict=True))
    return tuple(_of_primary(name, by_name.get(name), place) for name in expected)


def _of_primary(name: str, row: Row | None, place: str) -> Standby:
    if row is None:
        return Standby(name=name, streaming=False, lag_s=None)
    if row["state"] is None:
        raise Unreadable(f"{place}: its standbys are hidden from this user; grant it pg_monitor")
    streaming = row["state"] == "streaming"
    lag_s, behind_bytes = _lag(row["lag_s"], place), _number(row["behind_bytes"], place)
    if lag_s is None and behind_bytes is not None and behind_bytes <= 0:
        lag_s = 0.0  # PostgreSQL tells no lag of an idle standby that has replayed everything
    return Standby(name=name, streaming=streaming, lag_s=lag_s if streaming else None)


def archived(rows: Sequence[Row], place: str) -> WalArchived:
    """Return when WAL was last archived; raises Unreadable when it isn't archived at all."""
    row = _only(rows, place)
    if row["mode"] not in ("on", "always"):
        raise Unreadable(f"{place}: archive_mode is {row['mode']}, expected on or always")
    at_s, failed_at_s = _number(row["archived_at_s"], place), _number(row["failed_at_s"], place)
    return WalArchived(at_s=at_s, failing=failed_at_s is not None and (at_s is None or failed_at_s > at_s))


def _only(rows: Sequence[Row], place: str) -> Row:
    if len(rows) != 1:
        raise Unreadable(f"{place}: answered {len(rows)} rows, expected one")
    return rows[0]


def _number(value: object, place: str) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float):
        raise Unreadable(f"{place}: answered {type(value).__name__} where a number is expected")
    return float(value)


def _lag(value: object, place: str) -> float | None:
    lag_s = _number(value, place)
    if lag_s is not None and not lag_s >= -SKEW_S:
        raise Unreadable(f"{place}: a lag of {lag_s:.0f} s: the clocks of primary and standby are apart")
    return None if lag_s is None else max(0.0, lag_s)
