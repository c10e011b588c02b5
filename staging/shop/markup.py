"""The shop's pages as HTML, for a browser: the content of the JSON, with links, a style sheet and images."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from html import escape
from http import HTTPStatus
from io import BytesIO
from typing import Any

from flask import Flask, Response, request
from PIL import Image, ImageDraw

from staging.web import not_found

_STYLE = """body { font: 16px sans-serif; margin: 2rem auto; max-width: 60rem }
ul { display: flex; flex-wrap: wrap; gap: 1rem; list-style: none; padding: 0 }
img { display: block; height: 12rem; width: 12rem }
"""
_SCRIPT = "document.documentElement.dataset.ready = 'yes';\n"
_SIDE = 192
_YEAR = "public, max-age=31536000"


def wants_html() -> bool:
    """Whether the request's Accept header names HTML; every other request is answered in JSON."""
    return "text/html" in request.headers.get("Accept", "")


def page(title: str, styles: Iterable[Mapping[str, Any]], search: Iterable[str] = ()) -> Response:
    """Return a page of styles, each with its image and a link, and links to searches."""
    cards = "".join(
        f'<li><a href="/products/{escape(str(style["style"]))}"><img src="/assets/{escape(str(style["style"]))}.png"'
        f' width="{_SIDE}" height="{_SIDE}" alt="">{escape(str(style["name"]))}</a></li>'
        for style in styles
    )
    words = "".join(f'<li><a href="/search?q={escape(word)}">{escape(word)}</a></li>' for word in search)
    return _answer(title, f"<ul>{words}</ul><ul>{cards}</ul>")


def product_page(style: Mapping[str, Any], sizes: Iterable[str]) -> Response:
    """Return one style's page."""
    image = f'<img src="/assets/{escape(str(style["style"]))}.png" width="{_SIDE}" height="{_SIDE}" alt="">'
    listed = "".join(f"<li>{escape(size)}</li>" for size in sizes)
    return _answer(str(style["name"]), f"{image}<p>£{style['price_cents'] / 100:.2f}</p><ul>{listed}</ul>")


def _answer(title: str, body: str) -> Response:
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<link rel="icon" href="data:,"><link rel="stylesheet" href="/assets/shop.css">'
        '<script src="/assets/shop.js" defer></script></head>'
        f'<body><h1>{escape(title)}</h1><p><a href="/">Twisted Threads</a></p>{body}</body></html>'
    )
    return Response(text, HTTPStatus.OK, {"Vary": "Accept"}, mimetype="text/html")


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
