"""`python -m staging.login`: run the stand-in login provider."""

import argparse
import threading
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from staging import arguments, lifecycle
from staging.database import open_database
from staging.derived_keys import CLIENT_ID, keys_of
from staging.login.account_file import read_accounts
from staging.login.accounts import Accounts, Credentials
from staging.login.app import login_app
from staging.login.grants import Grants
from staging.login.provider import Client, LoginProvider
from staging.telemetry import start_telemetry
from staging.web import HttpServer


def parser() -> argparse.ArgumentParser:
    """Return the command line of the login provider."""
    parser = argparse.ArgumentParser(
        prog="python -m staging.login",
        description="The stand-in login provider: OpenID Connect, with accounts and a database of its own.",
        epilog="Example: python -m staging.login --database sqlite:////tmp/login.db --accounts accounts.csv",
    )
    arguments.add_process_arguments(parser)
    arguments.add_service_arguments(parser)
    parser.add_argument("--port", type=arguments.port, default=18088, help="port (%(default)s)")
    parser.add_argument(
        "--public-url", type=arguments.http_url, metavar="URL",
        help="the issuer: this provider's URL as the shop and browsers know it (http://<host>:<port>)",
    )  # fmt: skip
    parser.add_argument("--database", required=True, metavar="URL", help="such as sqlite:////tmp/login.db")
    parser.add_argument("--accounts", type=Path, metavar="FILE", help="CSV of user,password[,name] to begin with")
    parser.add_argument(
        "--shop", type=arguments.http_url, action="append", default=[], metavar="URL",
        help="an origin of the shop that logins return to; repeat (any on loopback)",
    )  # fmt: skip
    parser.add_argument(
        "--lock-after", type=arguments.count, default=5, help="wrong passwords in a row that lock (%(default)s)"
    )
    return parser


def main() -> None:
    """Serve until a signal, or the parent's death, ends the process."""
    options = (command := parser()).parse_args()
    token = arguments.token(command)
    if not (options.port or options.public_url):
        command.error("--public-url: missing, and --port 0 tells no issuer")
    telemetry = start_telemetry("login", f"{options.host}:{options.port}", options.otlp)
    try:
        given = read_accounts(options.accounts) if options.accounts else []
        database = open_database(
            options.database, connections=options.threads, round_trip_s=0, tracer=telemetry.tracer()
        )
    except ValueError as error:
        command.error(str(error))
    accounts = Accounts(database, options.lock_after)
    _create(accounts, given)
    provider = LoginProvider(
        issuer=options.public_url or f"http://{options.host}:{options.port}",
        client=Client(client_id=CLIENT_ID, secret=keys_of(token).client_secret, origins=frozenset(options.shop)),
        accounts=accounts,
        grants=Grants(),
    )
    app = login_app(provider, telemetry, token)
    server = HttpServer(app, host=options.host, port=options.port, threads=options.threads)
    stopping = threading.Event()
    lifecycle.on_stop(stopping.set, options.with_parent)
    server.start()
    lifecycle.announce(server.url)
    stopping.wait()
    server.stop()
    lifecycle.end(telemetry.flush)


def _create(accounts: Accounts, given: list[Credentials]) -> None:
    try:
        accounts.create(given)
    except SQLAlchemyError as error:
        raise lifecycle.UnavailableError(f"can't reach the database: {error.args[0]}") from None


if __name__ == "__main__":
    lifecycle.run(main)
