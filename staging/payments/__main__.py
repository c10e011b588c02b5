"""`python -m staging.payments`: run the stand-in payment provider."""

import argparse
import threading

from sqlalchemy.exc import SQLAlchemyError

from staging import arguments, lifecycle
from staging.database import open_database
from staging.derived_keys import keys_of
from staging.payments.app import Terminal, payments_app
from staging.payments.book import Book
from staging.payments.browser_pages import HostedPayments, add_browser_pages
from staging.payments.payment_pages import PaymentPages
from staging.payments.webhooks import Webhooks
from staging.telemetry import start_telemetry
from staging.web import HttpServer


def parser() -> argparse.ArgumentParser:
    """Return the command line of the payment provider."""
    parser = argparse.ArgumentParser(
        prog="python -m staging.payments",
        description="The stand-in payment provider: idempotent by key, with a database of its own.",
        epilog="Example: python -m staging.payments --database sqlite:////tmp/payments.db",
    )
    arguments.add_process_arguments(parser)
    arguments.add_service_arguments(parser)
    parser.add_argument("--port", type=arguments.port, default=18085, help="port (%(default)s)")
    parser.add_argument("--database", required=True, metavar="URL", help="such as sqlite:////tmp/payments.db")
    parser.add_argument(
        "--processing-ms", dest="processing_s", type=arguments.milliseconds, default=0.020,
        help="modelled time to process a payment (20)",
    )  # fmt: skip
    parser.add_argument(
        "--lost-reply-ratio", type=arguments.ratio, default=0.01,
        help="share of captures whose reply is lost: charged, but answered 503 (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--public-url", type=arguments.http_url, metavar="URL",
        help="this provider's URL as browsers know it (the one that the shop called)",
    )  # fmt: skip
    parser.add_argument(
        "--webhook-delay-ms", dest="webhook_delay_s", type=arguments.milliseconds, default=0.1,
        help="time from a payment page's end to its webhook; 0: before the shopper is sent back (100)",
    )  # fmt: skip
    parser.add_argument(
        "--repeated-webhook-ratio", type=arguments.ratio, default=0.05,
        help="share of webhooks that are sent once more, as delivery is at least once (%(default)s)",
    )  # fmt: skip
    return parser


def main() -> None:
    """Serve until a signal, or the parent's death, ends the process."""
    options = (command := parser()).parse_args()
    token = arguments.token(command)
    telemetry = start_telemetry("payments", f"{options.host}:{options.port}", options.otlp)
    try:
        database = open_database(
            options.database, connections=options.threads, round_trip_s=0, tracer=telemetry.tracer()
        )
    except ValueError as error:
        command.error(f"--database: {error}")
    book = Book(database)
    try:
        book.create()
    except SQLAlchemyError as error:
        raise lifecycle.UnavailableError(f"can't reach the database: {error.args[0]}") from None
    terminal = Terminal(book, processing_s=options.processing_s, lost_reply_ratio=options.lost_reply_ratio)
    pages = PaymentPages(database)
    webhooks = Webhooks(
        pages, keys_of(token).webhook, delay_s=options.webhook_delay_s, repeated_ratio=options.repeated_webhook_ratio
    )
    app = payments_app(terminal, book, telemetry, token)
    hosted = HostedPayments(book=book, terminal=terminal, pages=pages, webhooks=webhooks, public_url=options.public_url)
    add_browser_pages(app, hosted, token)
    server = HttpServer(app, host=options.host, port=options.port, threads=options.threads)
    stopping = threading.Event()
    lifecycle.on_stop(stopping.set, options.with_parent)
    webhooks.start()
    hosted.resume()
    server.start()
    lifecycle.announce(server.url)
    stopping.wait()
    server.stop()
    lifecycle.end(telemetry.flush)


if __name__ == "__main__":
    lifecycle.run(main)
