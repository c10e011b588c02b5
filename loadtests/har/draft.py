"""Writes a storefront's draft out of a traced visit: what a person would write who had watched it."""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from loadtests.har.asking import changes
from loadtests.har.bought import is_about_a_cart
from loadtests.har.code import Code, Mapped, Node, Text, flat, text, written
from loadtests.har.flow import Kind, Use
from loadtests.har.material import Draft, Material
from loadtests.har.operations import operation_of
from loadtests.har.steps import Steps
from loadtests.har.values import header_name

_NO_NAMES = frozenset({"Shop", "None", "True", "False"})
_NO_ORDER = ("# No request of the recording looks like one that places an order.",)
_SOLD_OUT = ("# What the shop answers when it is sold out isn't in the recording: name it in `refused`.",)


def draft(material: Material) -> Draft:
    """Return the draft of a storefront."""
    steps, count = Steps(material), len(material.requests)
    split = _split(material)
    methods: list[str] = []
    if split:
        crossing = ", ".join(steps.variables.crossing(split))
        looking = [*steps.lines(range(split)), *([f"return {crossing}"] if crossing else [])]
        methods += _method("window_shop", _mark(material, split), looking)
        opening = f"{crossing} = self.window_shop()" if crossing else "self.window_shop()"
        buying = [opening, *steps.lines(range(split, count))]
        methods += ["", *_method("buy", _mark(material, count, buys=True), buying)]
        journeys = ["window-shop", "buy"]
    else:
        name = _journey(material)
        methods += _method(name, _mark(material, count, buys=material.order is not None), steps.lines(range(count)))
        journeys = [name.replace("_", "-")]
    lines = [*_head(material, steps), *_class(material, steps), *methods]
    return Draft(
        text="\n".join(lines).rstrip() + "\n",
        steps=tuple(dict.fromkeys(material.names)),
        journeys=tuple(journeys),
        notes=tuple(steps.notes),
    )


def _split(material: Material) -> int:
    """Return where looking around ends and buying begins, 0 where the visit is one journey."""
    if material.order is None:
        return 0
    first = next((one.number for one in material.requests if is_about_a_cart(one)), 0)
    return first if 1 < first <= material.order.request else 0


def _journey(material: Material) -> str:
    if material.purchase is not None:
        return "buy"
    return "visit" if any(map(changes, material.requests)) else "window_shop"


def _mark(material: Material, until: int, *, buys: bool = False) -> str:
    """Return the mark of the journey of the requests before `until`; one that logs in is a customer's."""
    logs_in = any(use.kind is Kind.ACCOUNT and key[0] < until for key, use in material.flow.uses.items())
    marks = [*(["buys=True"] if buys else []), *(["customer=True"] if logs_in else [])]
    return f"@journey({', '.join(marks)})" if marks else "@journey"


def _method(name: str, mark: str, body: Sequence[str]) -> list[str]:
    return [f"    {mark}", f"    def {name}(self):", *(f"        {line}" for line in body)]


# -- above the methods ------------------------------------------------------------------------------------------------


def _head(material: Material, steps: Steps) -> Iterator[str]:
    host = urlsplit(material.visit.base).netloc
    yield f'"""How {host} is browsed and bought from: a draft by `peakproof har import`."""'
    yield ""
    imports = list(_imports(material, steps))
    yield from (*imports, "") if imports else ()
    needs_cents = any(_opening(one.makes) == "cents(" for one in steps.variables.bindings)
    needs_cents |= material.order is not None and _names_cents(material)
    yield f"from peakproof import Shop, {'cents, ' if needs_cents else ''}journey"
    yield ""
    constants = list(_constants(steps))
    yield from constants
    yield from _said(material)
    yield from ("", "")


def _said(material: Material) -> Sequence[str]:
    if material.purchase is None:
        return _NO_ORDER
    if material.order is None:
        missing = ", ".join(material.purchase.missing)
        return (
            f"# Not in the recording: {missing}. The order is in no ledger until",
            "# `with self.order(...)` stands around it.",
        )
    return _SOLD_OUT


def _imports(material: Material, steps: Steps) -> Iterator[str]:
    decoded = (taken for taken in material.flow.taken if taken.source.how == "cookie" and taken.source.attribute)
    if next(decoded, None) is not None:
        yield "from urllib.parse import unquote"
    if "uuid5" in steps.values.modules:
        yield "from uuid import NAMESPACE_URL, uuid5"


def _names_cents(material: Material) -> bool:
    amounts = (material.order.total, material.order.placed_total) if material.order else ()
    return any(one is not None and one.source.how != "json" and not one.is_cents for one in amounts)


def _constants(steps: Steps) -> Iterator[str]:
    if steps.values.address is not None:
        yield from written(steps.values.address, 0, "ADDRESS = ")
    for name, query in steps.queries.items():
        escaped = _source(query).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
        yield from (f'{name} = """', *escaped.split("\n"), '"""')


def _source(query: str) -> str:
    """Return a GraphQL document without what none can hold: control characters (GraphQL, 2.1.1)."""
    lines = query.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(one for one in lines if one in "\n\t" or one >= " ").strip()


def _class(material: Material, steps: Steps) -> Iterator[str]:
    yield f"class {_class_name(material.visit.base)}(Shop):"
    paths = {one.first.parts.path for one in material.requests if operation_of(one.first)}
    if len(paths) == 1 and (path := next(iter(paths))) != "/graphql":
        yield from (f"    graphql_path = {flat(text(path))}", "")
    carried = {name: steps.variables.of(taken) for name, taken in steps.variables.carried.items()}
    attributes = [read.binding.name.removeprefix("self.") for read in carried.values() if read.binding.attribute]
    yield from (*(f"    {name} = None" for name in attributes), "") if attributes else ()
    common = Mapped(tuple((text(header_name(name)), node) for name, node in steps.values.common.items()))
    if not common.items and not attributes:
        return
    yield "    def headers(self):"
    if not attributes:
        yield from (*written(common, 8, "return "), "")
        return
    yield from written(common, 8, "headers = ")
    for name, read in carried.items():
        value = flat(_with_scheme(material, name, read.code()))
        yield from (f"        if {read.code()}:", f"            headers[{flat(text(header_name(name)))}] = {value}")
    yield from ("        return headers", "")


def _with_scheme(material: Material, name: str, code: str) -> Node:
    """Return a header's value with what comes before it, such as `Bearer `."""
    uses: Iterator[Use] = (use for key, use in material.flow.uses.items() if key[1] == "header" and key[2][0] == name)
    before = next((use.before for use in uses if use.taken is not None), "")
    return Text((before, Code(code))) if before else Code(code)


def _class_name(base: str) -> str:
    host = (urlsplit(base).hostname or "").removeprefix("www.")
    first = host.split(".")[0]
    name = "".join(part.capitalize() for part in re.split(r"[^A-Za-z0-9]+", first))
    return name if name and name[0].isalpha() and name not in _NO_NAMES else "MyShop"


def _opening(node: Node) -> str:
    return getattr(node, "opens", "")
