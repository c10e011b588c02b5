"""A tiny shop on a port of its own, half forms with CSRF tokens, half a JSON API, which refuses what isn't its own."""

import contextlib
import json
import secrets
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

REGION = "reg_01JDX4QK8Z"
KEY = "pk_live_4f9a8b7c6d5e4f3a2b1c0d9e"
TEES = {f"tee-{number}": f"TEE-{number}" for number in range(1, 7)}


class TinyShop:
    """The shop: its address, the orders that it took, and what it refused and why."""

    def __init__(self) -> None:
        self.orders: list[dict[str, Any]] = []
        self.refused: list[str] = []
        self.sessions: dict[str, dict[str, Any]] = {}
        self.carts: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, str] = {}
        shop = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None: ...

            def do_GET(self) -> None:
                Answer(shop, self, None).give()

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                Answer(shop, self, self.rfile.read(length)).give()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextlib.contextmanager
def tiny_shop() -> Iterator[TinyShop]:
    shop = TinyShop()
    try:
        yield shop
    finally:
        shop.close()


class Answer:
    def __init__(self, shop: TinyShop, handler: BaseHTTPRequestHandler, body: bytes | None) -> None:
        self.shop, self.handler, self.body = shop, handler, body
        parts = urlsplit(handler.path)
        self.path, self.query = parts.path, parse_qs(parts.query)
        pairs = (handler.headers.get("cookie") or "").split(";")
        cookies = dict(pair.strip().partition("=")[::2] for pair in pairs if "=" in pair)
        self.set_cookies: list[str] = []
        self.sid = cookies.get("sid", "")
        self.csrf_cookie = cookies.get("csrftoken", "")
        if self.sid not in shop.sessions:
            self.sid = secrets.token_hex(16)
            shop.sessions[self.sid] = {"csrf": secrets.token_hex(20), "basket": {}}
            self.set_cookies.append(f"sid={self.sid}; Path=/; HttpOnly")
        self.session = shop.sessions[self.sid]

    def give(self) -> None:
        route = self._api if self.path.startswith("/api/") else self._page
        route()

    # -- pages ----------

    def _page(self) -> None:
        form = {name: values[0] for name, values in parse_qs((self.body or b"").decode()).items()}
        if self.body is not None and form.get("csrf") != self.session["csrf"]:
            self.shop.refused.append(f"{self.path}: csrf")
            return self.html("forbidden", 403)
        name = self.path.strip("/").partition("/")[0]
        return {
            "": self._home, "c": self._shelf, "search": self._shelf, "p": self._product, "basket": self._basket,
            "pay": self._checkout, "thanks": self._thanks, "app": self._app, "login": self._login,
        }.get(name, self._nothing)(form)  # fmt: skip

    def _nothing(self, _form: dict[str, str]) -> None:
        self.html("nothing here", 404)

    def _home(self, _form: dict[str, str]) -> None:
        self.html(
            '<nav class="menu"><a href="/c/tees/">Tees</a><a href="/c/hoodies/">Hoodies</a></nav>'
            '<form action="/search/"><input name="q" value=""><input type="hidden" name="in" value="all"></form>'
        )

    def _shelf(self, _form: dict[str, str]) -> None:
        pods = "".join(f'<article class="pod"><h3><a href="/p/{tee}/">{tee} shirt</a></h3></article>' for tee in TEES)
        self.html(f'<a href="/">Home</a><a href="/c/hoodies/">Hoodies</a>{pods}')

    def _product(self, _form: dict[str, str]) -> None:
        slug = self.path.strip("/").rpartition("/")[2]
        self.html(
            f"<h1>{slug}</h1><table><tr><th>SKU</th><td>{TEES[slug]}</td></tr></table>"
            f'<form id="add" method="post" action="/basket/add/">{self._csrf()}'
            f'<input type="hidden" name="product" value="{slug}">'
            '<input name="quantity" value="1"><button>Add</button></form>'
        )

    def _basket(self, form: dict[str, str]) -> None:
        if self.path == "/basket/add/":
            self.session["basket"][form["product"]] = int(form["quantity"])
            return self.to("/basket/", 303)
        total = sum(self.session["basket"].values()) * 1999
        return self.html(
            f'<p class="total">Total: <span class="basket-total">£{total / 100:.2f}</span></p>'
            '<a href="/pay/" class="button">Check out</a>'
        )

    def _checkout(self, form: dict[str, str]) -> None:
        basket, total = self.session["basket"], sum(self.session["basket"].values()) * 1999
        if self.body is None:
            return self.html(
                f"<table><tr><th>Order total</th><td>£{total / 100:.2f}</td></tr></table>"
                f'<form id="pay" method="post">{self._csrf()}'
                '<input name="email"><input name="first_name"><input name="line1"><input name="postcode">'
                '<input name="card_number"><input name="cvc"><button>Pay</button></form>'
            )
        if not basket or "@" not in form.get("email", "") or form.get("card_number") != "4242424242424242":
            self.shop.refused.append(f"/pay/: {sorted(form)}")
            return self.html("wrong", 400)
        number = f"T-{1001 + len(self.shop.orders)}"
        lines = [{"sku": TEES[slug], "quantity": quantity} for slug, quantity in basket.items()]
        self.shop.orders.append({"id": number, "email": form["email"], "lines": lines, "cents": total})
        self.session["basket"] = {}
        return self.to(f"/thanks/{number}/", 302)

    def _csrf(self) -> str:
        return f'<input type="hidden" name="csrf" value="{self.session["csrf"]}">'

    def _thanks(self, _form: dict[str, str]) -> None:
        number = self.path.strip("/").rpartition("/")[2]
        self.html(f"<h1>Thank you</h1><p class='lead'>Your order number is <strong>{number}</strong>.</p>")

    def _login(self, _form: dict[str, str]) -> None:
        if self.body is None:
            return self.html(
                f'<form id="login" method="post">{self._csrf()}<input name="username"><input name="password"></form>'
            )
        return self.to("/", 303)

    def _app(self, _form: dict[str, str]) -> None:
        token = secrets.token_hex(12)
        self.set_cookies += [f"csrftoken={token}; Path=/", "theme=dark; Path=/"]
        self.html('<div id="root"></div><script src="/app.js"></script>')

    # -- the API ----------

    def _api(self) -> None:
        given = self.handler.headers
        body = json.loads(self.body) if self.body else {}
        why = ""
        if given.get("x-api-key") != KEY:
            why = "key"
        elif (
            self.path != "/api/session"
            and given.get("authorization", "").removeprefix("Bearer ") not in self.shop.tokens
        ):
            why = "token"
        elif self.body is not None and self.path != "/api/session" and given.get("x-csrftoken") != self.csrf_cookie:
            why = "csrf"
        if why:
            self.shop.refused.append(f"{self.path}: {why}")
            return self.json({"error": why}, 403)
        parts = self.path.strip("/").split("/")[1:]
        return self._answer(parts, body)

    def _answer(self, parts: list[str], body: dict[str, Any]) -> None:
        match parts:
            case ["session"]:
                token = secrets.token_urlsafe(24)
                self.shop.tokens[token] = self.sid
                self.json({"auth": {"token": token}, "region": {"id": REGION}})
            case ["products"]:
                self.json({"products": [self._tee(number) for number in range(1, 5)], "count": 4})
            case ["products", number]:
                self.json({"product": self._tee(int(number.removeprefix("prod_")))})
            case ["carts"]:
                assert body["region_id"] == REGION
                cart = f"cart_{secrets.token_hex(8)}"
                self.shop.carts[cart] = {"lines": []}
                self.json({"cart": {"id": cart, "items": []}}, 201)
            case ["carts", cart, "items"]:
                number, size = body["variant_id"].removeprefix("var_").split("_")
                self.shop.carts[cart]["lines"].append({"sku": f"TEE-{number}-{size}", "quantity": body["quantity"]})
                self.json({"cart": {"id": cart, "total": self._total(cart)}})
            case ["carts", cart, "complete"]:
                self._complete(cart, body["email"])
            case _:
                self.json({"error": "not found"}, 404)

    def _complete(self, cart: str, email: str) -> None:
        number, lines = f"order_{1001 + len(self.shop.orders)}", self.shop.carts[cart]["lines"]
        self.shop.orders.append({"id": number, "email": email, "lines": lines, "cart": cart})
        self.json({"order": {"id": number, "total": self._total(cart), "email": email}})

    def _total(self, cart: str) -> float:
        return round(19.99 * sum(int(line["quantity"]) for line in self.shop.carts[cart]["lines"]), 2)

    @staticmethod
    def _tee(number: int) -> dict[str, Any]:
        sizes = [{"id": f"var_{number}_{size}", "sku": f"TEE-{number}-{size}", "title": size} for size in ("S", "M")]
        return {"id": f"prod_{number}", "title": f"Tee {number}", "variants": sizes, "price": 19.99}

    # -- what is sent ----------

    def html(self, text: str, status: int = 200) -> None:
        page = f'<html><head><link rel="stylesheet" href="/shop.css"></head><body>{text}</body></html>'
        self._send(status, "text/html; charset=utf-8", page.encode())

    def json(self, value: object, status: int = 200) -> None:
        self._send(status, "application/json", json.dumps(value).encode())

    def to(self, path: str, status: int) -> None:
        self._send(status, "text/html", b"", ("Location", path))

    def _send(self, status: int, kind: str, body: bytes, *more: tuple[str, str]) -> None:
        handler = self.handler
        handler.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))), *more):
            handler.send_header(name, value)
        for one in self.set_cookies:
            handler.send_header("Set-Cookie", one)
        handler.end_headers()
        handler.wfile.write(body)
