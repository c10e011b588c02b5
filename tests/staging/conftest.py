"""The processes and databases that the tests of the stand-in share."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from sqlalchemy import NullPool, create_engine, make_url, text

from staging.database import Database, open_database
from staging.shop.catalogue import twisted_threads
from staging.shop.schema import create_shop
from tests.ports import free_port
from tests.postgresql import postgresql
from tests.staging.harness import Replica, command, started
from tests.staging.otlp_sink import Sink, receiving
from tests.until_last import UntilLast


@dataclass(frozen=True)
class Stack:
    """Two replicas behind a front, and a third whose provider loses the reply to every capture.

    The first provider sends its webhooks once and late, the other one before the shopper is sent back, and twice.
    The two replicas have a login provider and a drop of three of each SKU.
    """

    first: Replica
    second: Replica
    front: Replica
    lossy: Replica
    payments: str
    lossy_payments: str
    access_log: Path
    sink: Sink
    login: str


ACCOUNTS = ("ann", "bob", "cid", "dee", "eve", "fay")
PASSWORD = "correct horse"


_SHARED = UntilLast(Path(__file__).parent)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    yield
    _SHARED.look(item)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    yield _SHARED.enter_context(_running(tmp_path_factory.mktemp("stack")))
    _SHARED.close()


@contextmanager
def _running(folder: Path) -> Iterator[Stack]:
    ports = {name: free_port() for name in ("first", "second", "lossy", "payments", "lossy-payments", "login")}
    admins = {name: free_port() for name in ("first", "second", "lossy")}
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}

    accounts = folder / "accounts.csv"
    accounts.write_text("user,password\n" + "".join(f"{name},{PASSWORD}\n" for name in ACCOUNTS))
    with receiving() as sink:

        def payments(name: str, ratio: str, *webhooks: str) -> list[str]:
            return command(
                "payments",
                *("--port", str(ports[name]), "--database", f"sqlite:///{folder}/{name}.db", "--otlp", sink.url),
                *("--lost-reply-ratio", ratio),
                *webhooks,
            )

        def login() -> list[str]:
            return command(
                "login",
                *("--port", str(ports["login"]), "--database", f"sqlite:///{folder}/login.db"),
                *("--accounts", str(accounts), "--otlp", sink.url),
            )

        def shop(name: str, database: str, provider: str, *more: str) -> list[str]:
            return command(
                "shop",
                *("--port", str(ports[name]), "--admin-port", str(admins[name]), "--payments", urls[provider]),
                *("--database", f"sqlite:///{folder}/{database}.db", "--database-round-trip-ms", "1"),
                *("--otlp", sink.url),
                *more,
            )

        more = ("--login", urls["login"], "--drop-stock", "3")

        with (
            started(
                payments("payments", "0", "--webhook-delay-ms", "400", "--repeated-webhook-ratio", "0"),
                payments("lossy-payments", "1", "--webhook-delay-ms", "0", "--repeated-webhook-ratio", "1"),
                login(),
                shop("first", "shop", "payments", *more),
                shop("second", "shop", "payments", *more),
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
                login=urls["login"],
            )


def opened(url: str, *, round_trip_s: float = 0.0) -> Database:
    """Return a database without tables."""
    return open_database(url, connections=24, round_trip_s=round_trip_s, tracer=TracerProvider().get_tracer("tests"))


def new_shop(url: str, *, round_trip_s: float = 0.0) -> Database:
    """Return a filled shop database: 5 of each SKU in the warehouse, 3 in each store."""
    database = opened(url, round_trip_s=round_trip_s)
    create_shop(database, twisted_threads(), warehouse_stock=5, store_stock=3)
    return database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    shop = new_shop(f"sqlite:///{tmp_path}/shop.db")
    yield shop
    shop.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Give the URL of one PostgreSQL for all tests: each has a database of its own on it."""
    with postgresql() as url:
        yield url


def new_database(server: str, name: str) -> str:
    """Make an empty database on a PostgreSQL; return its URL."""
    url = make_url(server)
    engine = create_engine(url.set(drivername="postgresql+psycopg"), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    return url.set(database=name).render_as_string()


@pytest.fixture(params=["sqlite", "postgresql"])
def busy_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Give a shop on each kind of database, its statements 5 ms apart."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/shop.db"
    else:
        url = new_database(request.getfixturevalue("postgres"), f"shop_{secrets.token_hex(4)}")
    shop = new_shop(url, round_trip_s=0.005)
    yield shop
    shop.close()
