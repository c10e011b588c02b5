"""A page: the reply to a step, with values read out of its JSON or its HTML.

What isn't there makes the step's record `wrong_reply` and ends the visit; a storefront needs no checks of its own.
"""

from functools import lru_cache
from typing import Any, NoReturn

from loadtests.client.interface import Reply, Request, json_of
from loadtests.shopper.session import Session
from loadtests.storefronts.amounts import cents
from loadtests.storefronts.html import Element, Form, HtmlError, document

_UNREAD = object()
_MISSING = object()


class Page:
    """The reply to one step.

    `page["order.lines.0.sku"]` is a value of its JSON: names and list indices between dots. Read what is needed of a
    page before the next request: until then a value that isn't there makes the record of this step `wrong_reply`.
    """

    __slots__ = ("_document", "_json", "_session", "refusal", "reply", "request")

    def __init__(self, session: Session, request: Request, reply: Reply) -> None:
        self._session = session
        self._json: Any = _UNREAD
        self._document: Element | None = None
        self.request = request
        self.reply = reply
        self.refusal: str | None = None

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.reply.status

    @property
    def step(self) -> str:
        """The name of the step that it answers."""
        return self.request.step

    @property
    def path(self) -> str:
        """The path and query that it came from, below its host's address; after redirects, the last one's."""
        return self.request.path

    @property
    def text(self) -> str:
        """The body as text."""
        return self.reply.body.decode("utf-8", errors="replace")

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON
        """The body as JSON; of a GraphQL operation its `data`."""
        if self._json is _UNREAD:
            try:
                value = json_of(self.reply.body)
            except ValueError:
                self.wrong("expected JSON")
            self._json = value.get("data") if self.request.graphql and isinstance(value, dict) else value
        return self._json

    def __getitem__(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """Return the value at `path` of the JSON."""
        json = self.json
        if isinstance(json, dict) and path in json:
            return json[path]
        value = self.get(path, _MISSING)
        if value is _MISSING:
            self.wrong(f"{path}: not there")
        return value

    def get(self, path: str, default: object = None) -> Any:  # noqa: ANN401 - JSON
        """Return the value at `path` of the JSON, `default` when it isn't there."""
        value = self.json
        for name in _names(path):
            try:
                value = value[int(name)] if isinstance(value, list) else value[name]
            except (LookupError, TypeError, ValueError):
                return default
        return value

    def header(self, name: str) -> str:
        """Return a header of the reply, of several the last; there must be one. Read it before the next request."""
        if self._session.answered is not self.request:
            raise LookupError(f"the header {name} of {self.step} is read after the next request began")
        found = [value for key, value in self._session.fields if key == name.lower()]
        return found[-1] if found else self.wrong(f"no header {name}")

    def cents(self, path: str) -> int:
        """Return the amount at `path` of the JSON, which is in the currency's own unit (19.99), in cents."""
        try:
            return cents(self[path])
        except ValueError as error:
            self.wrong(f"{path}: {error}")

    def select(self, css: str) -> list[Element]:
        """Return the elements of the HTML that match a CSS selector."""
        return self._root().select(css)

    def one(self, css: str) -> Element:
        """Return the first element of the HTML that matches a CSS selector; there must be one."""
        found = self._root().select(css)
        return found[0] if found else self.wrong(f"no element matches {css}")

    def form(self, css: str = "form") -> Form:
        """Return the first form that matches a CSS selector, its fields filled as the page has them."""
        element = self.one(css)
        try:
            return Form(element)
        except HtmlError as error:
            self.wrong(f"{css}: {error}")

    def wrong(self, why: str) -> NoReturn:
        """Say that it isn't what the step needs: the record is `wrong_reply`, and the visit ends."""
        self._session.wrong(self.request.step, self.reply, why)

    def _root(self) -> Element:
        if self._document is None:
            try:
                self._document = document(self.reply.body)
            except HtmlError as error:
                self.wrong(str(error))
        return self._document


@lru_cache(maxsize=1024)
def _names(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))
