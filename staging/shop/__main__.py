"""`python -m staging.shop`: run one replica of the stand-in shop."""

import argparse
import os
import threading
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from staging import arguments, lifecycle
from staging.connection_metrics import observe_connections
from staging.database import ROUND_TRIP_HELP, Database, open_database
from staging.derived_keys import keys_of
from staging.shop.admin import admin_app
from staging.shop.catalogue import twisted_threads
from staging.shop.checkout import Checkout
from staging.shop.customers.customers import Customers
from staging.shop.customers.openid import OpenIdClient
from staging.shop.funnel import Funnel
from staging.shop.hosted.provider_pages import HttpPaymentPages
from staging.shop.offers.drops import Drops
from staging.shop.pages import shop_app
from staging.shop.printing.presses import MOST as MOST_PRESSES
from staging.shop.printing.queue import PRESSES, PRINT_S, PrintQueue
from staging.shop.provider import HttpProvider
from staging.shop.reconciliation import PENDING_EXPIRES_S, Reconciliation
from staging.shop.releases.releases import CurrentRelease, Release, read_releases
from staging.shop.returns.returns import Returns
from staging.shop.schema import create_shop
from staging.shop.search import SearchIndex
from staging.shop.storefront import Storefront
from staging.shop.tracking import Tracking
from staging.telemetry import Telemetry, start_telemetry
from staging.web import HttpServer

DATABASE_VARIABLE = "PEAKPROOF_SHOP_DATABASE"
ADMIN_THREADS = 4
# Streams may hold one in this many threads at a time.
STREAMS_SHARE = 2


def parser() -> argparse.ArgumentParser:
    """Return the command line of a replica."""
    parser = argparse.ArgumentParser(
        prog="python -m staging.shop",
        description="One replica of the stand-in shop; replicas share a database.",
        epilog="Example: python -m staging.shop --database sqlite:////tmp/shop.db --payments http://127.0.0.1:18085",
    )
    arguments.add_process_arguments(parser)
    arguments.add_service_arguments(parser)
    parser.add_argument("--port", type=arguments.port, default=18081, help="public port (%(default)s)")
    parser.add_argument("--admin-port", type=arguments.port, default=18091, help="admin port (%(default)s)")
    parser.add_argument(
        "--admin-host", default="127.0.0.1", help="address of the admin port; another only inside a container's network"
    )
    parser.add_argument(
        "--database", default=os.environ.get(DATABASE_VARIABLE), metavar="URL",
        help=f"sqlite:////tmp/shop.db or postgresql://…; or in {DATABASE_VARIABLE}, to keep a password off argv",
    )  # fmt: skip
    parser.add_argument(
        "--database-round-trip-ms", dest="round_trip_s", type=arguments.milliseconds, help=ROUND_TRIP_HELP
    )
    parser.add_argument("--payments", type=arguments.http_url, required=True, metavar="URL", help="payment provider")
    parser.add_argument("--login", type=arguments.http_url, metavar="URL", help="login provider, its issuer (none)")
    parser.add_argument(
        "--public-url", type=arguments.http_url, metavar="URL",
        help="the shop's URL as shoppers and the payment provider know it (the one that they call)",
    )  # fmt: skip
    parser.add_argument("--releases", type=Path, metavar="FILE", help="releases file (the one that comes along)")
    parser.add_argument("--release", default="stable", help="release to start with (%(default)s)")
    parser.add_argument(
        "--stock-warehouse", type=arguments.count, default=2000, help="of each SKU in a new shop (%(default)s)"
    )
    parser.add_argument(
        "--stock-store", type=arguments.count, default=400, help="of each SKU in each store (%(default)s)"
    )
    parser.add_argument(
        "--drop-stock", type=arguments.count, default=0, help="of each SKU of a drop; 0: there is none (%(default)s)"
    )
    parser.add_argument(
        "--presses", type=int, default=PRESSES, help="orders printed at once, of all replicas (%(default)s)"
    )
    parser.add_argument(
        "--print-ms",
        dest="print_s",
        type=arguments.milliseconds,
        default=PRINT_S,
        help="that an order's printing takes (500)",
    )
    parser.add_argument(
        "--pending-expires-s", type=arguments.seconds, default=PENDING_EXPIRES_S, metavar="SECONDS",
        help="after which an order that is pending is settled with the payment provider (%(default)g)",
    )  # fmt: skip
    return parser


def main() -> None:
    """Serve until a signal, or the parent's death, ends the process."""
    options = (command := parser()).parse_args()
    token = arguments.token(command)
    if not 1 <= options.presses <= MOST_PRESSES:
        command.error(f"--presses: 1 to {MOST_PRESSES}, found {options.presses}")
    if not options.database:
        command.error(f"--database: missing, and {DATABASE_VARIABLE} is not set")
    telemetry = start_telemetry("shop", f"{options.host}:{options.port}", options.otlp)
    telemetry.instrument_requests()
    try:
        shop = _storefront(options, _releases(options), telemetry, token)
    except ValueError as error:
        command.error(str(error))
    _fill(shop, options)
    public = HttpServer(shop_app(shop, telemetry), host=options.host, port=options.port, threads=options.threads)
    admin = HttpServer(
        admin_app(shop, telemetry, token), host=options.admin_host, port=options.admin_port, threads=ADMIN_THREADS
    )
    _serve(shop, public, admin, options.with_parent)
    lifecycle.end(telemetry.flush)


def _releases(options: argparse.Namespace) -> dict[str, Release]:
    releases = read_releases(options.releases)
    if options.release not in releases:
        raise ValueError(f"--release: {options.release!r} is none of {', '.join(sorted(releases))}")
    return releases


def _storefront(
    options: argparse.Namespace, releases: dict[str, Release], telemetry: Telemetry, token: str
) -> Storefront:
    catalogue = twisted_threads(with_drop=options.drop_stock > 0)
    database, keys = _database(options, telemetry), keys_of(token)
    funnel = Funnel(database)
    pages, release = HttpPaymentPages(options.payments, token), CurrentRelease(releases, options.release)
    return Storefront(
        catalogue=catalogue,
        index=SearchIndex(catalogue),
        database=database,
        checkout=Checkout(database, HttpProvider(options.payments), pages),
        funnel=funnel,
        release=release,
        tracking=Tracking(database, funnel, options.threads // STREAMS_SHARE),
        customers=Customers(database),
        login=OpenIdClient(options.login, keys.client_secret) if options.login else None,
        drops=Drops(database),
        returns=Returns(database, pages),
        printing=PrintQueue(database, lambda: release.get().behaviour.presses_work, options.presses, options.print_s),
        reconciliation=Reconciliation(database, pages, lambda: release.get().behaviour.news, options.pending_expires_s),
        keys=keys,
        public_url=options.public_url,
    )


def _database(options: argparse.Namespace, telemetry: Telemetry) -> Database:
    database = open_database(
        options.database,
        connections=options.threads + ADMIN_THREADS + 2,
        round_trip_s=options.round_trip_s,
        tracer=telemetry.tracer(),
    )
    observe_connections(telemetry.meters, database, "shop")
    return database


def _fill(shop: Storefront, options: argparse.Namespace) -> None:
    try:
        create_shop(
            shop.database,
            shop.catalogue,
            warehouse_stock=options.stock_warehouse,
            store_stock=options.stock_store,
            drop_stock=options.drop_stock,
        )
        shop.drops.read()
        shop.returns.resume()
    except SQLAlchemyError as error:
        raise lifecycle.UnavailableError(f"can't reach the database: {error.args[0]}") from None


def _serve(shop: Storefront, public: HttpServer, admin: HttpServer, parent: int | None) -> None:
    stopping, served = threading.Event(), threading.Event()
    lifecycle.on_stop(stopping.set, parent)
    flusher = threading.Thread(target=shop.funnel.keep_flushing, args=(served,), name="funnel", daemon=True)
    flusher.start()
    keepers = {
        "drops": shop.drops.keep_reading,
        "returns": shop.returns.keep_receiving,
        "printing": shop.printing.keep_printing,
        "reconciliation": shop.reconciliation.keep_reconciling,
    }
    for name, keep in keepers.items():
        threading.Thread(target=keep, args=(stopping,), name=name, daemon=True).start()
    public.start()
    admin.start()
    lifecycle.announce(public.url)
    stopping.wait()
    shop.tracking.close()
    public.stop()
    admin.stop()
    served.set()
    flusher.join(lifecycle.FLUSH_LIMIT_S)


if __name__ == "__main__":
    lifecycle.run(main)
