"""The processes and databases that the tests of the stand-in share."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider

from staging.database import Database, open_database
from staging.shop.catalogue import twisted_threads
from staging.shop.schema import create_shop
from tests.ports import free_port
from tests.postgresql import postgresql
from tests.staging.harness import Replica, command, started
from tests.staging.otlp_sink import Sink, receiving


@dataclass(frozen=True)
class Stack:
    """Two replicas behind a front, and a third whose provider loses the reply to every capture."""

    first: Replica
    second: Replica
    front: Replica
    lossy: Replica
    payments: str
    lossy_payments: str
    access_log: Path
    sink: Sink


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    ports = {name: free_port() for name in ("first", "second", "lossy", "payments", "lossy-payments")}
    admins = {name: free_port() for name in ("first", "second", "lossy")}
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}

    with receiving() as sink:

        def payments(name: str, ratio: str) -> list[str]:
            return command(
                "payments",
                *("--port", str(ports[name]), "--database", f"sqlite:///{folder}/{name}.db", "--otlp", sink.url),
                *("--lost-reply-ratio", ratio),
            )

        def shop(name: str, database: str, provider: str) -> list[str]:
            return command(
                "shop",
                *("--port", str(ports[name]), "--admin-port", str(admins[name]), "--payments", urls[provider]),
                *("--database", f"sqlite:///{folder}/{database}.db", "--database-round-trip-ms", "1"),
                *("--otlp", sink.url),
            )

        with (
            started(
                payments("payments", "0"),
                payments("lossy-payments", "1"),
                shop("first", "shop", "payments"),
                shop("second", "shop", "payments"),
                shop("lossy", "lossy-shop", "lossy-payments"),
            ),
            started(
                command(
                    "front",
                    *("--port", "0", "--upstream", urls["first"], "--upstream", urls["second"]),
                    *("--access-log", str(folder / "access.jsonl")),
                )
            ) as (front,),
        ):
            replicas = {name: Replica(urls[name], f"http://127.0.0.1:{port}") for name, port in admins.items()}
            yield Stack(
                first=replicas["first"],
                second=replicas["second"],
                lossy=replicas["lossy"],
                front=Replica(front.url, replicas["first"].admin),
                payments=urls["payments"],
                lossy_payments=urls["lossy-payments"],
                access_log=folder / "access.jsonl",
                sink=sink,
            )


def new_shop(url: str, *, round_trip_s: float = 0.0) -> Database:
    """Return a filled shop database: 5 of each SKU in the warehouse, 3 in each store."""
    database = open_database(
        url, connections=24, round_trip_s=round_trip_s, tracer=TracerProvider().get_tracer("tests")
    )
    create_shop(database, twisted_threads(), warehouse_stock=5, store_stock=3)
    return database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    shop = new_shop(f"sqlite:///{tmp_path}/shop.db")
    yield shop
    shop.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def busy_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Give a shop on each kind of database, its statements 5 ms apart."""
    if request.param == "sqlite":
        shop = new_shop(f"sqlite:///{tmp_path}/shop.db", round_trip_s=0.005)
        yield shop
        shop.close()
        return
    with postgresql() as url:
        shop = new_shop(url, round_trip_s=0.005)
        yield shop
        shop.close()
