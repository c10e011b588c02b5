"""How many of its connections to a database a process uses, as metrics."""

from collections.abc import Iterable

from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider

from staging.database import Database

# OpenTelemetry's semantic conventions for database client metrics
# (https://opentelemetry.io/docs/specs/semconv/database/database-metrics/).
_STATE, _POOL = "db.client.connection.state", "db.client.connection.pool.name"
_UNIT = "{connection}"


def observe_connections(meters: MeterProvider, database: Database, pool: str) -> None:
    """Export how many of a database's connections are used and idle, and how many there may be, as the pool `pool`."""
    meter = meters.get_meter("staging")

    def count(_: CallbackOptions) -> Iterable[Observation]:
        connections = database.connections()
        yield Observation(connections.used, {_STATE: "used", _POOL: pool})
        yield Observation(connections.idle, {_STATE: "idle", _POOL: pool})

    def most(_: CallbackOptions) -> Iterable[Observation]:
        yield Observation(database.connections().most, {_POOL: pool})

    meter.create_observable_up_down_counter("db.client.connection.count", [count], unit=_UNIT)
    meter.create_observable_up_down_counter("db.client.connection.max", [most], unit=_UNIT)
