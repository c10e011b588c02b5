"""The shop's public pages."""

from http import HTTPStatus

from flask import Flask, Response, jsonify, request
from opentelemetry.trace import get_current_span
from sqlalchemy import select

from staging.shop import buying, markup
from staging.shop.catalogue import FEATURED, Style
from staging.shop.customers.current import find_customer
from staging.shop.customers.customers import Customer
from staging.shop.customers.recommendations import MOST_ORDERS, recommended
from staging.shop.designs import HEIGHT, WIDTH, find_preview, make_design
from staging.shop.funnel import Step
from staging.shop.html.render import FORM_KEY, refused, wants_html
from staging.shop.orders import orders_of_customer
from staging.shop.payloads import DesignBody
from staging.shop.routes.account_routes import add_account
from staging.shop.routes.cart_routes import add_cart
from staging.shop.routes.hosted_routes import add_hosted
from staging.shop.routes.login_routes import add_login
from staging.shop.routes.offer_routes import add_offers
from staging.shop.routes.return_routes import add_returns
from staging.shop.schema import products
from staging.shop.search import LONGEST_QUERY
from staging.shop.sessions import keep_new_session, note, session_or_new
from staging.shop.stock import stock_of_style
from staging.shop.storefront import Storefront
from staging.telemetry import Telemetry
from staging.web import RefusedError, bad_request, json_app, not_found, read_body

BODY_LIMIT = 65_536
TITLE = "Twisted Threads"
VERSION_ATTRIBUTE = "app.release.version"


def shop_app(shop: Storefront, telemetry: Telemetry) -> Flask:
    """Return the public application."""
    app = json_app("shop", body_limit=BODY_LIMIT)
    # First, for the span must be there when the version is put on it.
    telemetry.instrument(app)
    app.before_request(lambda: _say_version(shop))
    app.config[FORM_KEY] = shop.keys.form
    app.after_request(lambda reply: keep_new_session(reply, shop.funnel))
    app.register_error_handler(RefusedError, _refused)
    _add_browsing(app, shop)
    _add_designs(app, shop)
    markup.add_assets(app, shop.catalogue.styles)
    buying.add_buying(app, shop)
    for add in (add_cart, add_hosted, add_login, add_account, add_returns, add_offers):
        add(app, shop)

    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok", version=shop.release.get().version)

    return app


def _say_version(shop: Storefront) -> None:
    get_current_span().set_attribute(VERSION_ATTRIBUTE, shop.release.get().version)


def _refused(error: RefusedError) -> Response:
    if wants_html():
        return refused(error)
    reply = jsonify(error.body)
    reply.status_code = error.status
    return reply


def _add_browsing(app: Flask, shop: Storefront) -> None:
    recommended = (
        select(products.c.style, products.c.name, products.c.price_cents)
        .where(products.c.featured)
        .order_by(products.c.style)
        .limit(FEATURED)
    )

    @app.get("/")
    def home() -> Response:
        session_or_new()
        if (customer := find_customer(shop)) is not None:
            return _home_of(shop, customer)
        with shop.database.reading() as connection:
            styles = [dict(row) for row in connection.execute(recommended).mappings()]
        if wants_html():
            names = dict.fromkeys(word for style in styles for word in style["name"].split() if word.isalnum())
            return markup.page(TITLE, styles, names)
        return jsonify(greeting=TITLE, recommended=styles, categories=shop.catalogue.categories)

    @app.get("/search")
    def search() -> Response:
        query = request.args.get("q", "")
        if len(query) > LONGEST_QUERY:
            raise bad_request(f"q: at most {LONGEST_QUERY} characters")
        note(shop.funnel, Step.SEARCH)
        results = [_summary(style) for style in shop.index.find(query)]
        return markup.page(query, results) if wants_html() else jsonify(query=query, results=results)

    @app.get("/products/<style>")
    def product(style: str) -> Response:
        found = shop.catalogue.find(style)
        if found is None:
            raise not_found("no such style")
        note(shop.funnel, Step.PRODUCT)
        stock = stock_of_style(shop.database, style)
        skus = [
            {"sku": sku.sku, "size": sku.size, "colour": sku.colour, "stock": stock.get(sku.sku, {})}
            for sku in found.skus
        ]
        if wants_html():
            return markup.product_page(_summary(found), skus)
        return jsonify(**_summary(found), skus=skus)


def _home_of(shop: Storefront, customer: Customer) -> Response:
    """Return a customer's own first page."""
    ordered, _ = orders_of_customer(shop.database, customer.customer_id, None, MOST_ORDERS)
    best, because = recommended(shop.catalogue, ordered)
    styles = [_summary(style) for style in best]
    if wants_html():
        names = dict.fromkeys(word for style in best for word in style.name.split() if word.isalnum())
        return markup.page(f"{TITLE}: for {customer.name}", styles, names)
    return jsonify(
        greeting=TITLE,
        recommended=styles,
        categories=shop.catalogue.categories,
        customer={"customer_id": customer.customer_id, "name": customer.name},
        because=because,
    )


def _summary(style: Style) -> dict[str, str | int]:
    return {"style": style.style, "name": style.name, "price_cents": style.price_cents}


def _add_designs(app: Flask, shop: Storefront) -> None:
    @app.post("/designs")
    def design() -> tuple[Response, HTTPStatus]:
        body = read_body(DesignBody)
        if shop.catalogue.find(body.style) is None:
            raise bad_request("style: no such style")
        made = make_design(shop.database, body.style, body.colour, body.text)
        return (
            jsonify(
                design_id=made.design_id,
                preview_url=f"/designs/{made.design_id}.png",
                width=WIDTH,
                height=HEIGHT,
                bytes=len(made.png),
            ),
            HTTPStatus.CREATED,
        )

    @app.get("/designs/<design_id>.png")
    def preview(design_id: str) -> Response:
        png = find_preview(shop.database, design_id)
        if png is None:
            raise not_found("no such design")
        return Response(png, mimetype="image/png")
