"""A browser that records: it really asks, and writes HAR as Chromium, Firefox or a proxy writes it."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any, Literal
from urllib.parse import urlencode, urljoin, urlsplit

from lxml import html as lxml_html

Shape = Literal["chromium", "firefox", "proxy"]
Headers = list[tuple[str, str]]
Reply = tuple[int, Headers, bytes, str]
THIRD_PARTY = "https://stats.example/collect?id=1"


@dataclass(kw_only=True)
class Browser:
    """One shopper with cookies; `entries` is what it recorded."""

    shape: Shape = "chromium"
    entries: list[dict[str, Any]] = field(default_factory=list)
    cookies: dict[str, str] = field(default_factory=dict)
    at: datetime = datetime(2026, 11, 27, 19, 0, tzinfo=UTC)
    url: str = ""
    text: str = ""
    page: int = 0

    # -- as a shopper does ----------

    def visit(self, url: str) -> None:
        self._navigate("GET", url, "")
        self._asset(urljoin(url, "/shop.css"), "stylesheet", "text/css")
        nothing: Reply = (204, [], b"", "image/gif")
        self.entries.append(self._entry("GET", THIRD_PARTY, [], None, nothing, "ping"))

    def click(self, css: str, nth: int = 0) -> None:
        links = lxml_html.document_fromstring(self.text).cssselect(css)
        self.visit(urljoin(self.url, links[nth].get("href")))

    def send(self, css: str, **values: str) -> None:
        form = lxml_html.document_fromstring(self.text).cssselect(css)[0]
        fields = {one.get("name"): one.get("value") or "" for one in form.cssselect("[name]")} | values
        action, method = urljoin(self.url, form.get("action") or ""), (form.get("method") or "get").upper()
        if method == "GET":
            self.visit(f"{action}?{urlencode(fields)}")
        else:
            self._navigate("POST", action, urlencode(fields))

    def fetch(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        sent = None if body is None else json.dumps(body)
        given = [(name.replace("_", "-"), value) for name, value in headers.items()]
        given += [("Content-Type", "application/json")] if sent is not None else []
        reply = self._ask(method, urljoin(self.url, path), given, sent, "fetch", 0.1)
        return json.loads(reply)

    def har(self) -> dict[str, Any]:
        creator = {"chromium": "WebInspector", "firefox": "Firefox", "proxy": "mitmproxy"}[self.shape]
        return {"log": {"version": "1.2", "creator": {"name": creator, "version": "1"}, "entries": self.entries}}

    # -- as a browser records ----------

    def _navigate(self, method: str, url: str, sent: str) -> None:
        self.page += 1
        referer = [("Referer", self.url)] if self.url else []
        kind = [("Content-Type", "application/x-www-form-urlencoded")] if method == "POST" else []
        accept = [("Accept", "text/html,application/xhtml+xml")]
        self._ask(method, url, [*referer, *kind, *accept], sent or None, "document", 4.0)

    def _ask(self, method: str, url: str, headers: Headers, sent: str | None, kind: str, gap_s: float) -> str:
        self.at += timedelta(seconds=gap_s)
        while True:
            cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            given = [*headers, *([("Cookie", cookie)] if cookie else [])]
            if kind == "fetch":
                given.append(("Referer", self.url))
            status, answered, body, mime = self._over_the_wire(method, url, given, sent)
            self.entries.append(self._entry(method, url, given, sent, (status, answered, body, mime), kind))
            where = next((value for name, value in answered if name.lower() == "location"), None)
            if where is None:
                break
            method, sent, url = "GET", None, urljoin(url, where)
            headers = [(name, value) for name, value in headers if name != "Content-Type"]
        if kind == "document":
            self.url, self.text = url, body.decode()
        return body.decode()

    def _over_the_wire(self, method: str, url: str, headers: Headers, sent: str | None) -> Reply:
        parts = urlsplit(url)
        connection = HTTPConnection(parts.netloc, timeout=10)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, None if sent is None else sent.encode(), dict(headers))
        reply = connection.getresponse()
        body, answered = reply.read(), reply.getheaders()
        connection.close()
        for name, value in answered:
            if name.lower() == "set-cookie":
                key, _, held = value.partition(";")[0].partition("=")
                self.cookies[key] = held
        mime = next((value for name, value in answered if name.lower() == "content-type"), "")
        return reply.status, answered, body, mime

    def _asset(self, url: str, kind: str, mime: str) -> None:
        self.entries.append(self._entry("GET", url, [("Referer", self.url)], None, (200, [], b"a{}", mime), kind))

    def _entry(
        self,
        method: str,
        url: str,
        headers: Headers,
        sent: str | None,
        reply: Reply,
        kind: str,
    ) -> dict[str, Any]:
        status, answered, body, mime = reply
        self.at += timedelta(milliseconds=40)
        request: dict[str, Any] = {
            "method": method, "url": url, "httpVersion": "HTTP/1.1", "headers": _pairs(headers), "queryString": [],
            "cookies": [], "headersSize": -1, "bodySize": len(sent or ""),
        }  # fmt: skip
        if sent is not None:
            request["postData"] = {"mimeType": dict(headers).get("Content-Type", ""), "text": sent}
        where = next((value for name, value in answered if name.lower() == "location"), "")
        response = {
            "status": status, "statusText": "", "httpVersion": "HTTP/1.1", "headers": _pairs(answered), "cookies": [],
            "content": {"size": len(body), "mimeType": mime, "text": body.decode()}, "redirectURL": where,
            "headersSize": -1, "bodySize": len(body),
        }  # fmt: skip
        entry: dict[str, Any] = {
            "startedDateTime": self.at.isoformat().replace("+00:00", "Z"),
            "time": 30.0, "request": request, "response": response, "cache": {}, "timings": {"wait": 30},
        }  # fmt: skip
        if self.shape == "chromium":
            entry |= {"_resourceType": kind, "_initiator": {"type": "other"}, "pageref": f"page_{self.page}"}
        elif self.shape == "firefox":
            entry |= {"pageref": "page_1"}
        return entry


def _pairs(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]
