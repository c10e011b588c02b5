"""The shop's pages as HTML, for a browser: the content of the JSON, with links, a style sheet and images."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from html import escape
from http import HTTPStatus
from io import BytesIO
from typing import Any

from flask import Flask, Response
from PIL import Image, ImageDraw

from staging import forms
from staging.shop.html.render import render, shop_form
from staging.web import not_found

_STYLE = """body { font: 16px sans-serif; margin: 2rem auto; max-width: 60rem }
ul { display: flex; flex-wrap: wrap; gap: 1rem; list-style: none; padding: 0 }
img { display: block; height: 12rem; width: 12rem }
"""
_SCRIPT = "document.documentElement.dataset.ready = 'yes';\n"
_SIDE = 192
_YEAR = "public, max-age=31536000"


def page(title: str, styles: Iterable[Mapping[str, Any]], search: Iterable[str] = ()) -> Response:
    """Return a page of styles, each with its image and a link, and links to searches."""
    cards = "".join(
        f'<li><a href="/products/{escape(str(style["style"]))}"><img src="/assets/{escape(str(style["style"]))}.png"'
        f' width="{_SIDE}" height="{_SIDE}" alt="">{escape(str(style["name"]))}</a></li>'
        for style in styles
    )
    words = "".join(f'<li><a href="/search?q={escape(word)}">{escape(word)}</a></li>' for word in search)
    search_form = forms.form("search", "/search", forms.field("q", "Search"), method="get", button="Search")
    return render(title, f"{search_form}<ul>{words}</ul><ul>{cards}</ul>")


def product_page(style: Mapping[str, Any], skus: Iterable[Mapping[str, Any]]) -> Response:
    """Return one style's page, with a form that puts a size into the cart."""
    image = f'<img src="/assets/{escape(str(style["style"]))}.png" width="{_SIDE}" height="{_SIDE}" alt="">'
    sizes = [(sku, f"{sku['size']}, {sku['colour']}", sum(sku["stock"].values())) for sku in skus]
    listed = "".join(
        f'<li data-sku="{escape(sku["sku"])}" {_levels(sku["stock"])}>{escape(text)}: {left} in stock</li>'
        for sku, text, left in sizes
    )
    options = forms.select("sku", "Size", [(str(sku["sku"]), text, left > 0) for sku, text, left in sizes])
    add = shop_form("add", "/cart/lines", options + forms.field("quantity", "Quantity", value="1"), button="Add")
    return render(str(style["name"]), f"{image}<p>£{style['price_cents'] / 100:.2f}</p><ul>{listed}</ul>{add}")


def _levels(stock: Mapping[str, int]) -> str:
    return " ".join(f'data-{escape(location)}="{left}"' for location, left in sorted(stock.items()))


def add_assets(app: Flask, styles: Mapping[str, Any]) -> None:
    """Serve the assets of the pages: a style sheet, a script, and a picture of each style."""

    @app.get("/assets/<name>")
    def asset(name: str) -> Response:
        if name == "shop.css":
            return _kept(_STYLE.encode(), "text/css")
        if name == "shop.js":
            return _kept(_SCRIPT.encode(), "text/javascript")
        if not name.endswith(".png") or name.removesuffix(".png") not in styles:
            raise not_found("no such asset")
        return _kept(_picture(name.removesuffix(".png")), "image/png")


def _kept(body: bytes, kind: str) -> Response:
    return Response(body, HTTPStatus.OK, {"Cache-Control": _YEAR}, mimetype=kind)


@lru_cache(maxsize=256)
def _picture(style: str) -> bytes:
    """Draw a shirt in a colour of the style's own."""
    red, green, blue = sha256(style.encode()).digest()[:3]
    picture = Image.new("RGB", (_SIDE, _SIDE), "white")
    shirt = ((40, 40), (75, 25), (117, 25), (152, 40), (180, 80), (150, 95), (150, 170), (42, 170), (42, 95), (12, 80))
    ImageDraw.Draw(picture).polygon(shirt, fill=(red, green, blue))
    out = BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
