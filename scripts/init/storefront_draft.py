"""Drafts a storefront from the pages that `peakproof init` saw: forms, links, JSON; meant to be edited."""

import re
from collections import Counter
from dataclasses import dataclass
from keyword import iskeyword

import orjson

from loadtests.storefronts.html import Element, Form, HtmlError, document
from slo.web_addresses import parts_of

FILE = "storefront.py"
TUTORIAL = "docs/write-a-storefront.md"
_SEARCH_FIELDS = ("q", "query", "search", "s", "keyword", "keywords", "term", "text")
_PLAIN = re.compile(r"[A-Za-z0-9_./-]{1,80}")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_FEW = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstPage:
    """What the first page is made of, as far as a storefront's draft can use it.

    `search` is the search form's action and field; `links` is how the paths of most links begin; `lists` are the names
    of the lists in its JSON.
    """

    kind: str
    search: tuple[str, str] | None = None
    links: str = ""
    lists: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def is_twisted_threads(self) -> bool:
        """Whether it is the stand-in's."""
        return self.kind == "json" and {"greeting", "recommended"} <= set(self.names)

    @property
    def described(self) -> str:
        """What was seen, in a few words."""
        if self.kind == "json":
            return f"JSON with {', '.join(self.names[:_FEW]) or 'no names'}"
        if self.kind == "none":
            return "no page at / to draft from"
        parts = ["HTML"]
        parts += [f"a search form to {self.search[0]}"] if self.search else []
        parts += [f"links to {self.links}…"] if self.links else []
        return ", ".join(parts)


def first_page(body: bytes, status: int) -> FirstPage:
    """Return what the first page is made of; nothing of a page that isn't one is believed."""
    if status >= 400:  # noqa: PLR2004 - an error page says nothing of the shop
        return FirstPage(kind="none")
    try:
        value = orjson.loads(body)
    except ValueError:
        return _of_html(body)
    if not isinstance(value, dict):
        return FirstPage(kind="json")
    names = tuple(name for name in value if _NAME.fullmatch(name))
    return FirstPage(kind="json", names=names, lists=tuple(name for name in names if isinstance(value[name], list)))


def storefront_py(name: str, page: FirstPage) -> str:
    """Return the text of a storefront's draft: valid, and with a journey that looks around."""
    class_name = "".join(part.capitalize() for part in re.split(r"[^a-z0-9]+", name)) or "Mine"
    class_name = f"Shop{class_name}" if not class_name.isidentifier() or iskeyword(class_name) else class_name
    look = {"json": _look_json, "html": _look_html}.get(page.kind, _look_nothing)(page)
    lines = [
        f'"""How {name} is browsed and bought from: a draft by `peakproof init`; {TUTORIAL} goes on from here."""',
        "",
        "from peakproof import Shop, journey",
        "",
        "",
        f"class {class_name if class_name != 'Shop' else 'MyShop'}(Shop):",
        "    @journey",
        "    def window_shop(self):",
        *(f"        {line}" for line in look),
        "",
        "    # A journey that buys; take the marks away, and say how your shop is asked:",
        "    # @journey(buys=True)",
        "    # def buy(self):",
        "    #     self.window_shop()",
        "    #     self.think()",
        '    #     cart = self.post("cart", "/cart", {"sku": "…"})["cart.id"]',
        '    #     with self.order([self.line("…", quantity=1)], cents=1999, key=cart) as order:',
        '    #         done = self.post("checkout", f"/cart/{cart}/complete", refused={"out_of_stock": 409})',
        '    #         order.accepted(done["order.id"], cents=done.cents("order.total"))',
        "",
    ]
    return "\n".join(lines)


def steps_of(page: FirstPage) -> tuple[str, ...]:
    """Return the steps that the draft's journey makes."""
    if page.kind == "html":
        return ("home", *(["search"] if page.search else []), *(["product"] if page.links else []))
    return ("products",) if page.kind == "none" else ("home",)


def _look_html(page: FirstPage) -> list[str]:
    lines = ['page = self.get("home", "/")' if page.search or page.links else 'self.get("home", "/")']
    if page.search:
        action, field = page.search
        lines += [
            "self.think()",
            "# your shoppers' words:",
            f'found = self.submit("search", page.form({_quoted(_form_of(action))}), {{{_quoted(field)}: "shirt"}})',
        ]
    if page.links:
        of = "page" if not page.search else "found"
        lines += [
            "self.think()",
            f'self.open("product", self.pick({of}.select({_quoted(_link_to(page.links))})))',
        ]
    return lines


def _look_json(page: FirstPage) -> list[str]:
    if not page.lists:
        return ['self.get("home", "/")', "# …and what a shopper asks for next: self.get(step, path)"]
    return [
        'page = self.get("home", "/")',
        "self.think()",
        f"one = self.pick(page[{_quoted(page.lists[0])}])   # a product? then ask for it:",
        '# self.get("product", f"/products/{one[\'id\']}")',
    ]


def _look_nothing(_: FirstPage) -> list[str]:
    return [
        '# There was no page at "/". A headless shop has an API: what does it ask for first?',
        'self.get("products", "/")',
    ]


def _of_html(body: bytes) -> FirstPage:
    try:
        root = document(body)
    except HtmlError:
        return FirstPage(kind="none")
    return FirstPage(kind="html", search=_search_of(root), links=_links_of(root))


def _search_of(root: Element) -> tuple[str, str] | None:
    for element in root.select("form"):
        form = Form(element)
        fields = [name for name, _ in form.fields if name.lower() in _SEARCH_FIELDS]
        action = parts_of(form.action).path
        if form.method == "GET" and fields and _PLAIN.fullmatch(action or "/") and _NAME.fullmatch(fields[0]):
            return action, fields[0]
    return None


def _links_of(root: Element) -> str:
    """Return how the paths of most links begin that have something after it, such as /products/."""
    starts: Counter[str] = Counter()
    for link in root.select("a[href]"):
        parts = parts_of(link["href"])
        first, slash, rest = parts.path.lstrip("/").partition("/")
        if not parts.netloc and slash and rest and parts.path.startswith("/") and _PLAIN.fullmatch(first):
            starts[f"/{first}/"] += 1
    found = starts.most_common(1)
    return found[0][0] if found else ""


def _form_of(action: str) -> str:
    return f'form[action^="{action}"]' if action else "form"


def _link_to(start: str) -> str:
    return f'a[href^="{start}"]'


def _quoted(text: str) -> str:
    return repr(text) if '"' in text else f'"{text}"'
