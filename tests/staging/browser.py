"""A browser as the tests need one: pages, their forms with what is hidden in them, redirects over several origins."""

from dataclasses import dataclass, field
from urllib.parse import urljoin

import requests
from selectolax.lexbor import LexborHTMLParser, LexborNode

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@dataclass(frozen=True)
class Page:
    """A page, and the paths of the requests that led to it."""

    reply: requests.Response
    tree: LexborHTMLParser

    @property
    def status(self) -> int:
        return self.reply.status_code

    @property
    def url(self) -> str:
        return self.reply.url

    @property
    def hops(self) -> list[str]:
        """Return the status and the address without its query of each redirect."""
        return [f"{hop.status_code} {hop.url.partition('?')[0]}" for hop in self.reply.history]

    @property
    def error(self) -> str | None:
        """Return why a form was refused."""
        found = self.tree.css_first("p.error")
        return found.attributes["data-error"] if found else None

    def value(self, css: str, attribute: str) -> str:
        """Return an attribute of an element."""
        value = self.one(css).attributes[attribute]
        assert value is not None
        return value

    def one(self, css: str) -> LexborNode:
        found = self.tree.css_first(css)
        assert found is not None, f"no {css} in {self.tree.html}"
        return found


def fields_of(form: LexborNode) -> dict[str, str]:
    """Return a form's fields: its inputs' values, and the first choice of each select."""
    sent = {node.attributes["name"] or "": node.attributes.get("value") or "" for node in form.css("input")}
    for node in form.css("select"):
        options = [one for one in node.css("option") if "disabled" not in one.attributes]
        sent[node.attributes["name"] or ""] = (options[0].attributes["value"] or "") if options else ""
    return sent


@dataclass
class Browser:
    """A browser with its cookies, by name alone, as they are the same for all ports."""

    http: requests.Session = field(default_factory=requests.Session)

    def open(self, url: str) -> Page:
        return self._page(self.http.get(url, headers=HTML, timeout=30))

    def submit(self, page: Page, css: str, **fields: str) -> Page:
        """Send a form with its hidden fields, the first choice of each select, and `fields`."""
        form = page.one(css)
        sent = fields_of(form)
        assert set(fields) <= set(sent), f"no such field in {form.html}"
        target = urljoin(page.url, form.attributes["action"] or "")
        if form.attributes["method"] == "get":
            return self._page(self.http.get(target, params={**sent, **fields}, headers=HTML, timeout=30))
        return self._page(self.http.post(target, data={**sent, **fields}, headers=HTML, timeout=30))

    def _page(self, reply: requests.Response) -> Page:
        return Page(reply, LexborHTMLParser(reply.text))
