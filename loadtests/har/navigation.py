"""How a shopper came to a page: by a form or a link of the page before, as a storefront submits and opens them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from loadtests.har.addresses import holds_a_secret
from loadtests.har.entries import Entry, Pairs
from loadtests.har.selectors import quoted, selector_of, selector_of_kind
from loadtests.har.slots import Place, Where, slots_of
from loadtests.har.sources import page_of
from loadtests.har.visit import Request
from loadtests.har.words import is_id, telling, words
from loadtests.storefronts.html import Element, Form, HtmlError
from slo.web_addresses import joined, parts_of

_MOST_LINKS, _MOST_FORMS = 2000, 200
_LEAST_OF_KIND = 2
_OWN_WAYS = frozenset(
    {"account", "accounts", "auth", "basket", "cart", "checkout", "customer", "help", "info", "legal", "login", "my"}
    | {"order", "orders", "page", "pages", "pay", "payment", "policies", "profile", "service", "user", "wishlist"}
)
_FILE = re.compile(r"\.[a-z]{2,5}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link: its selector, and that of the `alike` links like it, itself among them, where there are several."""

    css: str
    kind_css: str | None
    alike: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field that the shopper filled: its values, none where the form's own was left out."""

    name: str
    values: tuple[str, ...]
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A form that was sent: its selector, and the fields that differ from the page's own."""

    css: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """How a request came about: by a form or a link of the page `parent`, or by neither."""

    request: Request
    parent: int | None = None
    form: Filled | None = None
    link: Link | None = None

    def carried(self) -> Iterator[tuple[Where, Place]]:
        """Return the values that come with the form or the link, so that nothing else has to find them."""
        if self.form is None and self.link is None:
            return
        filled = set() if self.form is None else {place for one in self.form.fields for place in one.places}
        sent = "query" if self.request.method == "GET" else "form"
        for slot in slots_of(self.request.first):
            if slot.where in ("path", "query", "form") and not (slot.where == sent and slot.place in filled):
                yield slot.where, slot.place


def moves_of(requests: Sequence[Request]) -> tuple[Move, ...]:
    """Return how each request came about."""
    return tuple(_move(one, requests) for one in requests)


def _move(one: Request, requests: Sequence[Request]) -> Move:
    parent = None if one.came_from is None else requests[one.came_from]
    root = None if parent is None else page_of(parent.last)
    if root is None or parent is None:
        return Move(request=one)
    form = form_sent(root, parent.last.url, one.first)
    if form is not None:
        return Move(request=one, parent=parent.number, form=form)
    link = link_followed(root, parent.last.url, one.first) if one.method == "GET" and one.kind == "page" else None
    return Move(request=one) if link is None else Move(request=one, parent=parent.number, link=link)


def form_sent(root: Element, page_url: str, entry: Entry) -> Filled | None:
    """Return the form of a page that a request sends, None where it has none such."""
    sent = entry.query if entry.method == "GET" else entry.form
    if sent is None:
        return None
    best: tuple[int, Element, Form] | None = None
    for element in root.select("form")[:_MOST_FORMS]:
        try:
            form = Form(element)
        except HtmlError:
            continue
        rank = _rank(form, page_url, entry, sent)
        if rank is not None and (best is None or rank > best[0]):
            best = rank, element, form
    if best is None:
        return None
    css = _form_selector(root, best[1])
    return None if css is None else Filled(css=css, fields=tuple(_changed(best[2], sent)))


def _rank(form: Form, page_url: str, entry: Entry, sent: Pairs) -> int | None:
    """Return how well a form fits what was sent, None when it doesn't."""
    if form.method != ("GET" if entry.method == "GET" else "POST"):
        return None
    action = _joined(page_url, form.action)
    here, there = parts_of(action), entry.parts
    if (here.netloc, here.path or "/") != (there.netloc, there.path or "/"):
        return None
    if form.method == "POST" and here.query != there.query:
        return None
    own, given = {name for name, _ in form.fields}, {name for name, _ in sent}
    if form.method == "GET" and not given & own:
        return None
    same = len(set(form.fields) & set(sent))
    return 10 * len(own & given) - 20 * len(own - given) + same


def _changed(form: Form, sent: Pairs) -> Iterator[Field]:
    own: dict[str, list[str]] = {}
    for name, value in form.fields:
        own.setdefault(name, []).append(value)
    given: dict[str, list[tuple[int, str]]] = {}
    for number, (name, value) in enumerate(sent):
        given.setdefault(name, []).append((number, value))
    for name, values in given.items():
        if name not in own or [_plain(value) for _, value in values] != [_plain(value) for value in own[name]]:
            yield Field(
                name=name,
                values=tuple(value for _, value in values),
                places=tuple((name, number) for number, _ in values),
            )
    yield from (Field(name=name, values=(), places=()) for name in own if name not in given)


def _plain(value: str) -> str:
    """Return a text as it is compared: a text area's line feeds are the browser's business."""
    return value.replace("\r\n", "\n").strip("\n")


def _form_selector(root: Element, element: Element) -> str | None:
    action = element.get("action")
    wanted = [f"#{one}" for one in [element.get("id")] if re.fullmatch(r"[A-Za-z_][A-Za-z_-]*", one)]
    if (held := quoted(action)) and not (
        holds_a_secret(action) or any(is_id(part) for part in re.split(r"[/?=&]", action))
    ):
        wanted.append(f"form[action={held}]")
    named = sorted(element.select("[name]"), key=lambda one: one.get("type") == "hidden")
    names = [one.get("name") for one in named]
    others = {
        one.get("name")
        for form in root.select("form")[:_MOST_FORMS]
        if form.node is not element.node
        for one in form.select("[name]")
    }
    wanted += [f"form:has([name={held}])" for name in names if name not in others and (held := quoted(name))]
    for css in wanted:
        found = root.select(css)
        if found and found[0].node is element.node:
            return css
    return selector_of(root, element)


def link_followed(root: Element, page_url: str, entry: Entry) -> Link | None:
    """Return the link of a page that leads to a request's address, None where it has none such."""
    address = entry.url.partition("#")[0]
    links = root.select("a[href]")[:_MOST_LINKS]
    for element in links:
        if _joined(page_url, element["href"]) == address:
            break
    else:
        return None
    shape = _shape(element["href"])
    alike = {one["href"] for one in links if shape is not None and _shape(one["href"]) == shape}
    kind_css = None
    if shape is not None and len(alike) >= _LEAST_OF_KIND:
        kind_css = _kind_selector(root, element, shape)
    css = _link_selector(root, element)
    return None if css is None else Link(css=css, kind_css=kind_css, alike=len(alike))


def _kind_selector(root: Element, element: Element, shape: tuple[object, ...]) -> str | None:
    """Return a selector of the links that lead to things like this one, None where they can't be told from others."""
    folder = element["href"].rstrip("/").rpartition("/")[0] + "/"
    if (held := quoted(folder)) and folder not in ("/", "//") and not holds_a_secret(folder):
        css = f"a[href^={held}]"
        if all(_shape(one["href"]) == shape for one in root.select(css)):
            return css
    return selector_of_kind(root, element, lambda one: _shape(one.get("href")) == shape, _LEAST_OF_KIND)


def _shape(href: str) -> tuple[object, ...] | None:
    """Return what links to things of one kind share: the folder and the query's names; None for no such link."""
    parts = parts_of(href)
    folders, told = [part for part in parts.path.split("/") if part], telling(parts.path)
    names = tuple(name for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    if len(told) < 2 or _OWN_WAYS & {word for part in told[:-1] for word in words(part)}:  # noqa: PLR2004
        return None  # a thing is below a list of its kind; what is below a way of the shop's own is a step of it
    *above, last = folders
    many = tuple("*" if is_id(part) else part for part in above)
    return (parts.netloc, many, bool(_FILE.search(last)), names, parts.path.endswith("/"))


def _link_selector(root: Element, element: Element) -> str | None:
    held = quoted(element["href"])
    if held and not holds_a_secret(element["href"]):
        return f"a[href={held}]"
    return selector_of(root, element)


def _joined(page_url: str, address: str) -> str:
    try:
        return joined(page_url, address) or ""
    except ValueError:
        return ""
