"""The admin interface of a replica: on a port of its own, authenticated by a bearer token."""

import time

from flask import Flask, Response, jsonify, request

from staging.shop.catalogue import LOCATIONS
from staging.shop.orders import Order, orders_page
from staging.shop.payloads import ReleaseBody, StockBody
from staging.shop.releases.releases import Release
from staging.shop.routes.admin_routes import add_offers_administration
from staging.shop.routes.cancel_routes import add_cancelling
from staging.shop.routes.order_json import lines_json
from staging.shop.stock import all_stock, set_stock
from staging.shop.storefront import Storefront
from staging.telemetry import Telemetry
from staging.web import bad_request, json_app, read_body, read_page, require_token

BODY_LIMIT = 2 << 20


def admin_app(shop: Storefront, telemetry: Telemetry, token: str) -> Flask:
    """Return the admin application; only `/metrics` is open."""
    app = json_app("admin", body_limit=BODY_LIMIT)

    @app.before_request
    def guard() -> None:
        if request.path != "/metrics":
            require_token(token)

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(telemetry.exposition(), mimetype="text/plain")

    @app.get("/admin/funnel")
    def funnel() -> Response:
        return jsonify(shop.funnel.report())

    _add_release(app, shop)
    _add_stock(app, shop)
    _add_orders(app, shop)
    add_offers_administration(app, shop)
    add_cancelling(app, shop)
    return app


def _add_release(app: Flask, shop: Storefront) -> None:
    @app.get("/admin/release")
    def release() -> Response:
        return _release_json(shop.release.get())

    @app.put("/admin/release")
    def switch() -> Response:
        try:
            return _release_json(shop.release.switch(read_body(ReleaseBody).release))
        except KeyError as error:
            raise bad_request(f"release: {error.args[0]}") from None


def _release_json(release: Release) -> Response:
    return jsonify(release=release.name, version=release.version)


def _add_stock(app: Flask, shop: Storefront) -> None:
    @app.get("/admin/stock")
    def stock() -> Response:
        return jsonify(format="peakproof/stock/v1", taken_at=time.time_ns(), stock=all_stock(shop.database))

    @app.put("/admin/stock")
    def put_stock() -> Response:
        levels = [(level.sku, level.location, level.quantity) for level in read_body(StockBody).stock]
        for number, (sku, location, _) in enumerate(levels):
            if shop.catalogue.find_sku(sku) is None:
                raise bad_request(f"stock.{number}.sku: no such SKU")
            if location not in LOCATIONS:
                raise bad_request(f"stock.{number}.location: one of {', '.join(LOCATIONS)}")
        return jsonify(set=set_stock(shop.database, levels) if levels else 0)


def _add_orders(app: Flask, shop: Storefront) -> None:
    @app.get("/admin/orders")
    def orders() -> Response:
        after, limit = read_page()
        page, following = orders_page(shop.database, request.args.get("run"), after, limit)
        return jsonify(orders=[_order_json(order) for order in page], next=following)


def _order_json(order: Order) -> dict[str, object]:
    return {
        "order_id": order.order_id,
        "key": order.key,
        "run": order.run,
        "status": order.status,
        "created_at": order.created_at,
        "total_cents": order.total_cents,
        "lines": lines_json(order),
        "paid_at": order.paid_at,
        "printed_at": _past(order.printed_at),
        "shipped_at": _past(order.shipped_at),
        "due_at": order.due_at,
        "decline": order.decline,
    }


def _past(moment: int | None) -> int | None:
    """Return a moment that has been."""
    return moment if moment is not None and moment <= time.time_ns() else None
