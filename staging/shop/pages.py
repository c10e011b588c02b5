"""The shop's public pages."""

from http import HTTPStatus

from flask import Flask, Response, jsonify, request
from opentelemetry.trace import get_current_span
from sqlalchemy import select

from staging.shop import buying, markup
from staging.shop.catalogue import FEATURED, Style
from staging.shop.designs import HEIGHT, WIDTH, find_preview, make_design
from staging.shop.funnel import Step
from staging.shop.markup import wants_html
from staging.shop.payloads import DesignBody
from staging.shop.schema import products
from staging.shop.search import LONGEST_QUERY
from staging.shop.sessions import note, welcome
from staging.shop.stock import stock_of_style
from staging.shop.storefront import Storefront
from staging.telemetry import Telemetry
from staging.web import bad_request, json_app, not_found, read_body

BODY_LIMIT = 65_536
VERSION_ATTRIBUTE = "app.release.version"


def shop_app(shop: Storefront, telemetry: Telemetry) -> Flask:
    """Return the public application."""
    app = json_app("shop", body_limit=BODY_LIMIT)
    # First, for the span must be there when the version is put on it.
    telemetry.instrument(app)
    app.before_request(lambda: _say_version(shop))
    _add_browsing(app, shop)
    _add_designs(app, shop)
    markup.add_assets(app, shop.catalogue.styles)
    buying.add_buying(app, shop)

    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok", version=shop.release.get().version)

    return app


def _say_version(shop: Storefront) -> None:
    get_current_span().set_attribute(VERSION_ATTRIBUTE, shop.release.get().version)


def _add_browsing(app: Flask, shop: Storefront) -> None:
    recommended = (
        select(products.c.style, products.c.name, products.c.price_cents)
        .where(products.c.featured)
        .order_by(products.c.style)
        .limit(FEATURED)
    )

    @app.get("/")
    def home() -> Response:
        with shop.database.reading() as connection:
            styles = [dict(row) for row in connection.execute(recommended).mappings()]
        if wants_html():
            names = dict.fromkeys(word for style in styles for word in style["name"].split() if word.isalnum())
            return welcome(markup.page("Twisted Threads", styles, names), shop.funnel)
        page = {"greeting": "Twisted Threads", "recommended": styles, "categories": shop.catalogue.categories}
        return welcome(jsonify(page), shop.funnel)

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
        found = shop.catalogue.styles.get(style)
        if found is None:
            raise not_found("no such style")
        note(shop.funnel, Step.PRODUCT)
        stock = stock_of_style(shop.database, style)
        skus = [
            {"sku": sku.sku, "size": sku.size, "colour": sku.colour, "stock": stock.get(sku.sku, {})}
            for sku in found.skus
        ]
        if wants_html():
            variants = [f"{s.size}, {s.colour}: {sum(stock.get(s.sku, {}).values())} in stock" for s in found.skus]
            return markup.product_page(_summary(found), variants)
        return jsonify(**_summary(found), skus=skus)


def _summary(style: Style) -> dict[str, str | int]:
    return {"style": style.style, "name": style.name, "price_cents": style.price_cents}


def _add_designs(app: Flask, shop: Storefront) -> None:
    @app.post("/designs")
    def design() -> tuple[Response, HTTPStatus]:
        body = read_body(DesignBody)
        if body.style not in shop.catalogue.styles:
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
