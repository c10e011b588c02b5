"""How the values of a request are written in a draft: found, made up, a setting, or as recorded."""

from collections.abc import Iterator, Sequence
from typing import Any

from loadtests.har.code import Call, Code, Items, Mapped, Node, Text, text
from loadtests.har.flow import Key, Kind, Use
from loadtests.har.material import Material
from loadtests.har.navigation import Filled
from loadtests.har.slots import Place, Where, own_headers
from loadtests.har.sources import data_of
from loadtests.har.variables import Variables
from loadtests.har.visit import Request
from loadtests.har.words import words

_MADE = {"first name": "Ada", "last name": "Lee", "name": "Ada Lee", "street": "1 High Street"}
_EMAIL = Text((Code("self.run"), "-", Code("self.session"), "@example.com"))
_ADDRESS, _LEAST_FIELDS = "ADDRESS", 4
_LEAST_SECRET = 6


class Values:
    """Writes the values of one draft. `modules` are the names that it needs of others, `address` what stands apart."""

    def __init__(self, material: Material, variables: Variables) -> None:
        self.m, self.variables = material, variables
        self.modules: set[str] = set()
        self.address: Mapped | None = None
        self.common = self._common_headers()

    def value(self, key: Key, literal: Node, *, inside: bool = False) -> Node:
        """Return how a value is written; `literal` is what stands there where nothing better is known."""
        use = self.m.flow.uses.get(key)
        if use is None or use.kind is Kind.LITERAL:
            return self.quantity(key) or self._safe(literal)
        node = self._used(key[0], use, inside=inside or bool(use.before))
        return Text((use.before, node)) if use.before and isinstance(node, Code) else node

    def path(self, one: Request) -> Node:
        """Return a request's path, with values out of replies in it."""
        parts: list[str | Code] = []
        for number, part in enumerate(one.first.parts.path.split("/")):
            parts += ["/"] if number else []
            node = self.value((one.number, "path", (number,)), text(part), inside=True)
            parts += node.parts if isinstance(node, Text) else [node] if isinstance(node, Code) else [part]
        return Text(tuple(_joined(parts)) or ("/",))

    def params(self, one: Request) -> Node | None:
        """Return a request's query, without the moment that keeps caches away; None for none."""
        pairs = []
        for number, (name, value) in enumerate(one.first.query):
            key: Key = (one.number, "query", (name, number))
            use = self.m.flow.uses.get(key)
            if use is None or use.kind is not Kind.MOMENT:
                pairs.append((name, self.value(key, text(value))))
        return _of_pairs(pairs) if pairs else None

    def form(self, one: Request) -> Node:
        """Return the fields of a form that no page has."""
        fields = enumerate(one.first.form or ())
        return _of_pairs(
            [(name, self.value((one.number, "form", (name, number)), text(value))) for number, (name, value) in fields]
        )

    def fields(self, filled: Filled, one: Request) -> Mapped:
        """Return what a shopper filled into a form."""
        where: Where = "query" if one.method == "GET" else "form"
        items: list[tuple[Node, Node]] = []
        for field in filled.fields:
            given = zip(field.places, field.values, strict=True)
            nodes = [self.value((one.number, where, place), text(value)) for place, value in given]
            value = Code("None") if not nodes else nodes[0] if len(nodes) == 1 else Items(tuple(nodes))
            items.append((text(field.name), value))
        return Mapped(tuple(items))

    def json(self, number: int, value: Any, place: Place = ()) -> Node:  # noqa: ANN401 - JSON
        """Return a body of JSON, or a part of it."""
        if isinstance(value, dict):
            items = tuple((text(name), self.json(number, one, (*place, name))) for name, one in value.items())
            return self._apart(Mapped(items), place)
        if isinstance(value, list):
            return Items(tuple(self.json(number, one, (*place, step)) for step, one in enumerate(value)))
        if isinstance(value, str):
            return self._typed(number, value, place, text(value))
        literal = Code(repr(value))
        return literal if isinstance(value, bool) or value is None else self._typed(number, value, place, literal)

    def headers(self, one: Request) -> Mapped:
        """Return the headers that a request has beside what every request has."""
        found = [
            (text(header_name(name)), self.value((one.number, "header", (name, number)), text(value)))
            for number, (name, value) in enumerate(own_headers(one.first))
            if not self._is_common(one, name, number)
        ]
        accept = one.first.asked.get("accept", "")
        if accept.startswith("application/json") and "*/*" not in accept and one.kind == "data":
            found.append((text("Accept"), text("application/json")))
        return Mapped(tuple(found))

    def quantity(self, key: Key) -> Code | None:
        """Return the variable of how many are put into the cart, where that varies; None for another value."""
        order = self.m.order
        for one in order.bought if order is not None and key[0] in self.m.quantities else ():
            slot = one.quantity
            if slot is not None and key == (one.request, slot.where, slot.place):
                return Code(self.variables.quantities[one.request])
        return None

    # -- one value ----------------------------------------------------------------------------------------------------

    def _safe(self, literal: Node) -> Node:
        """Return a literal without what is a secret elsewhere in the visit."""
        if not isinstance(literal, Text):
            return literal
        held = "".join(one for one in literal.parts if isinstance(one, str))
        found = [one for one in self.m.flow.secrets if one == held or (len(one) >= _LEAST_SECRET and one in held)]
        for one in found:
            held = held.replace(one, "…")
        return text(held) if found else literal

    def _used(self, number: int, use: Use, *, inside: bool) -> Node:
        if use.taken is not None:
            return Code(self.variables.of(use.taken).code(inside=inside))
        quote = "'" if inside else '"'
        match use.kind:
            case Kind.SETTING:
                return Code(f"self.settings[{quote}{use.text}{quote}]")
            case Kind.ACCOUNT:
                return Code(f"self.account[{quote}email{quote}]" if use.text == "email" else f"self.account.{use.text}")
            case Kind.MADE:
                return _EMAIL if use.text == "email" else text(_MADE[use.text])
            case Kind.ORDER_KEY if self.m.order is not None and number == self.m.order.request:
                return Code("order.key")
            case _:
                self.modules.add("uuid5")
                named = Text((Code("self.run"), "/", Code("self.session"), f"/{use.text or number}"))
                return Call("str(", (Call("uuid5(", (Code("NAMESPACE_URL"), named)),))

    def _typed(self, number: int, value: str | float, place: Place, literal: Node) -> Node:
        """Return a value of JSON as the type that was sent, whatever type it had in the reply."""
        key: Key = (number, "json", place)
        node, use = self.value(key, literal), self.m.flow.uses.get(key)
        if use is None or use.taken is None or not isinstance(node, Code):
            return node
        source = use.taken.source
        found: Any = data_of(self.m.requests[source.request].last) if source.how == "json" else ""
        for part in source.path if source.how == "json" else ():
            found = found[part]
        if isinstance(value, str) != isinstance(found, str):
            return Call("str(" if isinstance(value, str) else "int(", (node,))
        return node

    def _apart(self, found: Mapped, place: Place) -> Node:
        """Return an address as the module's constant, so that it stands there once."""
        last = place[-1] if place else ""
        if not (isinstance(last, str) and "address" in words(last) and len(found.items) >= _LEAST_FIELDS):
            return found
        if any(
            not isinstance(one, Text) or not all(isinstance(part, str) for part in one.parts) for _, one in found.items
        ):
            return found
        if self.address is None:
            self.address = found
        return Code(_ADDRESS) if self.address == found else found

    # -- headers ------------------------------------------------------------------------------------------------------

    def _is_common(self, one: Request, name: str, number: int) -> bool:
        if one.first.origin != self.m.visit.base:
            return False
        use = self.m.flow.uses.get((one.number, "header", (name, number)))
        if use is not None and use.taken is not None:
            return self.variables.carried.get(name) is use.taken
        return name in self.common and self.common[name] == self._fixed(one, name, number)

    def _common_headers(self) -> dict[str, Node]:
        """Return the headers that all the calls for data to the shop's first host share, the same in each."""
        calls = [one for one in self.m.requests if one.kind == "data" and one.first.origin == self.m.visit.base]
        shared: dict[str, Node] = {}
        for place, one in enumerate(calls):
            named = enumerate(own_headers(one.first))
            mine = {name: node for number, (name, _) in named if (node := self._fixed(one, name, number))}
            shared = mine if place == 0 else {name: node for name, node in shared.items() if mine.get(name) == node}
        return shared if len(calls) > 1 else {}

    def _fixed(self, one: Request, name: str, number: int) -> Node | None:
        use = self.m.flow.uses.get((one.number, "header", (name, number)))
        if use is not None and use.kind not in (Kind.SETTING, Kind.LITERAL):
            return None
        return self.value((one.number, "header", (name, number)), text(own_headers(one.first)[number][1]))


def header_name(name: str) -> str:
    """Return a header's name as one writes it."""
    short = ("id", "csrf", "xsrf", "api", "csrftoken")
    return "-".join(part.upper() if part in short[:3] else part.capitalize() for part in name.split("-"))


def _of_pairs(pairs: Sequence[tuple[str, Node]]) -> Node:
    several: dict[str, list[Node]] = {}
    for name, node in pairs:
        several.setdefault(name, []).append(node)
    return Mapped(
        tuple((text(name), nodes[0] if len(nodes) == 1 else Items(tuple(nodes))) for name, nodes in several.items())
    )


def _joined(parts: Sequence[str | Code]) -> Iterator[str | Code]:
    plain = ""
    for part in parts:
        if isinstance(part, str):
            plain += part
            continue
        if plain:
            yield plain
        plain = ""
        yield part
    if plain:
        yield plain
