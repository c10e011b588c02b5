"""The variables of a draft: what is taken from which reply, what it is called, and which requests use it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from loadtests.har.catalogue import picks_of, thing_words
from loadtests.har.code import Call, Code, Node, literal, text
from loadtests.har.flow import Taken
from loadtests.har.material import Material
from loadtests.har.navigation import Link, Move
from loadtests.har.reads import PAGE, at, taken_from
from loadtests.har.slots import Place, own_headers
from loadtests.har.sources import Source, data_of
from loadtests.har.totals import Amount
from loadtests.har.words import identifier, shown, words
from loadtests.storefronts.shop import Shop

_ITS_OWN = -1
_MANY = 3
_RESERVED = frozenset(
    {"self", "order", "cents", "journey", "unquote", "uuid5", "print", "list", "dict", "str", "int", "Shop"}
)


@dataclass(eq=False, kw_only=True)
class Binding:
    """One variable: taken after `request`, used by the requests `users`.

    `makes` is its expression, with PAGE for what it is read of: the page, or the variable `of`. As an `attribute` it
    is kept for every later request's headers.
    """

    request: int
    words: tuple[str, ...]
    makes: Node
    users: set[int] = field(default_factory=set)
    name: str = ""
    of: "Binding | None" = None
    attribute: bool = False
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """How a value is written where it is used: a variable, or something of one."""

    binding: Binding
    rest: Place = ()

    def code(self, *, inside: bool = False) -> str:
        """Return the expression; `inside` a formatted text its quotes are single."""
        quote = "'" if inside else '"'
        return self.binding.name + "".join(
            f"[{part}]" if isinstance(part, int) else f"[{literal(part, quote)}]" for part in self.rest
        )


class Variables:
    """All variables of one draft."""

    def __init__(self, material: Material) -> None:
        self.m = material
        self.bindings: list[Binding] = []
        self.pages: dict[int, Binding] = {}
        self.bound: dict[int, Binding] = {}
        self._picked: dict[tuple[int, Place], Binding] = {}
        self._values: dict[Source, Binding] = {}
        self._reads: dict[Taken, Read] = {}
        self.carried = dict(self._carried())
        for move in material.moves:
            self._bind(move)
        for taken in material.flow.taken:
            self._reads[taken] = self.read(taken.source, taken.words, taken.users)
            if taken in self.carried.values():
                self._reads[taken].binding.attribute = not self._reads[taken].rest
        self.skus: list[Read | None] = []
        self.total: Read | None = None
        self._of_the_order()
        self.quantities: dict[int, str] = {}
        self._name_all()

    def of(self, taken: Taken) -> Read:
        """Return how a value that was taken from a reply is written."""
        return self._reads[taken]

    def after(self, number: int) -> list[Binding]:
        """Return what is taken after a request, in order."""
        return [one for one in self.bindings if one.request == number]

    def known(self, source: Source) -> Binding | None:
        """Return the variable that holds what stands at a place of a reply."""
        places = {one.place: binding for one, binding in self._values.items()}
        return places.get(source.place)

    def crossing(self, split: int) -> list[str]:
        """Return the variables that requests before `split` leave to those from there on."""
        found = (
            one.name
            for one in sorted((*self.pages.values(), *self.bindings), key=lambda one: one.request)
            if one.request < split and any(user >= split for user in one.users) and not one.attribute
        )
        counted = (name for number, name in self.quantities.items() if number < split)
        return list(dict.fromkeys((*found, *counted)))

    def is_always_the_same(self, move: Move) -> bool:
        """Whether a request follows one of many links, and a second shopper followed the very same."""
        many = move.link is not None and move.link.kind_css is not None and move.link.alike >= _MANY
        return many and self._is_the_same(move.request.number, ("path",))

    # -- what is read of which page -----------------------------------------------------------------------------------

    def found_by(self, move: Move) -> Node:
        """Return the expression of the form or the link that a request came about by."""
        if move.form is not None:
            return Call(f"{PAGE}.form(", (text(move.form.css),))
        link = move.link
        assert link is not None  # noqa: S101 - one of the two
        if link.kind_css is not None and self._is_one_of_many(move.request.number, link):
            return Call("self.pick(", (Call(f"{PAGE}.select(", (text(link.kind_css),)),))
        return Call(f"{PAGE}.one(", (text(link.css),))

    def read(self, source: Source, named: tuple[str, ...], users: Iterable[int]) -> Read:
        """Return how a value is read: of the thing that was picked where it is one of many, else as a variable."""
        users = list(users)
        picks = picks_of(self.m.requests[source.request], source.path) if source.how == "json" else []
        known = any((source.request, source.path[: place + 1]) in self._picked for place in picks)
        if picks and (known or not all(self._is_the_same(user, ("path", "query", "json")) for user in users)):
            binding = self._pick(source, picks)
            binding.users.update(users)
            return Read(binding=binding, rest=source.path[picks[-1] + 1 :])
        value = self._values.get(source)
        if value is None:
            value = Binding(request=source.request, words=named, makes=taken_from(source))
            self._values[source] = value
            self._add(value)
        value.users.update(users)
        return Read(binding=value)

    def _bind(self, move: Move) -> None:
        """Note which page a request needs for its form or link; one that isn't the last is read in time."""
        number, parent = move.request.number, move.parent
        if parent is None:
            return
        if parent == number - 1:
            self._page(parent).users.add(number)
            return
        named = (*words(self.m.names[number]), "form" if move.form else "link")
        self.bound[number] = Binding(request=parent, words=named, makes=self.found_by(move), users={number})
        self._add(self.bound[number])

    def _pick(self, source: Source, picks: Sequence[int]) -> Binding:
        of: Binding | None = None
        start = 0
        for place in picks:
            key = source.request, source.path[: place + 1]
            found = self._picked.get(key)
            if found is None:
                rest = source.path[start:place]
                listed = at(rest) if of is None else Code(PAGE + "".join(_index(part) for part in rest))
                thing = thing_words(self.m.requests[source.request], source.path[: place + 1])
                found = Binding(request=source.request, words=thing, makes=Call("self.pick(", (listed,)), of=of)
                self._picked[key] = found
                self._add(found)
            if of is not None:
                of.users.add(source.request)
            of, start = found, place + 1
        assert of is not None  # noqa: S101 - there are picks
        return of

    def _add(self, binding: Binding) -> None:
        self.bindings.append(binding)
        if binding.of is None and PAGE in _opening(binding.makes):
            self._page(binding.request).users.add(_ITS_OWN)

    def _page(self, number: int) -> Binding:
        found = self.pages.get(number)
        if found is None:
            named = words(self.m.names[number]) or ("page",)
            found = self.pages[number] = Binding(request=number, words=named, makes=Code(PAGE))
        return found

    def _is_one_of_many(self, number: int, link: Link) -> bool:
        """Whether any link like it will do: the second shopper followed another one, or there are many of them."""
        if any(key[:2] == (number, "path") for key in self.m.varying):
            return True
        return link.alike >= _MANY and not self._is_the_same(number, ("path",))

    def _is_the_same(self, number: int, wheres: Sequence[str]) -> bool:
        """Whether a second shopper's request held the very same values, so that none picks another."""
        keys = [key for key in (*self.m.constant, *self.m.varying) if key[0] == number and key[1] in wheres]
        return bool(keys) and all(key in self.m.constant for key in keys)

    # -- the order ----------------------------------------------------------------------------------------------------

    def _of_the_order(self) -> None:
        order = self.m.order
        if order is None or order.total is None:
            return
        for bought in order.bought:
            is_read = isinstance(bought.sku, Source)
            self.skus.append(self.read(bought.sku, ("sku",), [order.request]) if is_read else None)  # type: ignore[arg-type]
        source = order.total.source
        total = Binding(request=source.request, words=("total",), makes=cents_of(order.total), users={order.request})
        if order.total.guessed:
            unit = "cents" if order.total.is_cents else "whole units, not cents"
            total.comment = f"# {shown(order.total.shown)} in the recording: taken to be {unit}"
        self._add(total)
        self.total = Read(binding=total)
        self._page(order.told_by).users.add(_ITS_OWN)

    # -- what is sent with every request ------------------------------------------------------------------------------

    def _carried(self) -> Iterable[tuple[str, Taken]]:
        """Return the headers with a value out of a reply that every later call for data carries, such as a token."""
        calls = [one for one in self.m.requests if one.kind == "data" and one.first.origin == self.m.visit.base]
        for taken in self.m.flow.taken:
            later = [one for one in calls if one.number > taken.source.request]
            names = [self._header_of(one.number, taken) for one in later]
            if len(later) > 1 and names[0] and set(names) == {names[0]}:
                yield names[0], taken

    def _header_of(self, number: int, taken: Taken) -> str:
        for place, (name, _) in enumerate(own_headers(self.m.requests[number].first)):
            use = self.m.flow.uses.get((number, "header", (name, place)))
            if use is not None and use.taken is taken:
                return name
        return ""

    # -- names --------------------------------------------------------------------------------------------------------

    def _name_all(self) -> None:
        taken = set(_RESERVED)
        for one in self.bindings:
            if one.attribute:
                one.name = f"self.{identifier(one.words, {*taken, *dir(Shop)})}"
            else:
                one.name = identifier(one.words, taken)
                taken.add(one.name)
        for number in self.m.quantities:
            self.quantities[number] = identifier(("quantity",), taken)
            taken.add(self.quantities[number])
        for number, page in sorted(self.pages.items()):
            kind = "page" if data_of(self.m.requests[number].last) is None else "reply"
            plain = identifier(page.words)
            page.name = plain if plain not in taken else identifier((*page.words, kind), taken)
            taken.add(page.name)


def cents_of(amount: Amount) -> Node:
    """Return the expression of an amount in cents."""
    source = amount.source
    if source.how == "json":
        dotted = text(".".join(map(str, source.path)))
        return at(source.path) if amount.is_cents else Call(f"{PAGE}.cents(", (dotted,))
    return Call("int(" if amount.is_cents else "cents(", (taken_from(source),))


def _opening(node: Node) -> str:
    if isinstance(node, Call):
        return node.opens + "".join(map(_opening, node.items))
    return node.text if isinstance(node, Code) else ""


def _index(part: str | int) -> str:
    return f"[{part}]" if isinstance(part, int) else f"[{literal(part)}]"
