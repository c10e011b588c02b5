"""The statements of a draft's steps: one request each, what is taken of its reply, and the order around the last."""

from collections.abc import Iterator

from loadtests.har.bought import Bought
from loadtests.har.code import WIDTH, Call, Code, Items, Mapped, Node, Text, flat, text, written
from loadtests.har.flow import Kind
from loadtests.har.kinds import REDIRECTS
from loadtests.har.material import Material
from loadtests.har.navigation import Move
from loadtests.har.operations import operation_of, without_secrets
from loadtests.har.reads import filled_in, taken_from
from loadtests.har.slots import Slot, body_of
from loadtests.har.sources import data_of
from loadtests.har.values import Values
from loadtests.har.variables import Binding, Read, Variables, cents_of
from loadtests.har.visit import Request
from loadtests.har.words import identifier, shown, words

_THINKS_S, _LONGEST_S = 1.0, 3600
_BODY, _BLOCK = 8, 12
_PLAIN = frozenset({"get", "post", "put", "patch"})
_CARTS = frozenset({"cart", "basket", "checkout", "bag"})


class Steps:
    """Writes the steps of one draft. `queries` are the GraphQL documents by constant, `notes` what isn't sent."""

    def __init__(self, material: Material) -> None:
        self.m = material
        self.variables = Variables(material)
        self.values = Values(material, self.variables)
        self.queries: dict[str, str] = {}
        self.notes: list[str] = []
        self._indent = _BODY

    def lines(self, numbers: range) -> list[str]:
        """Return the lines of these requests in a method, the order's block around those that place it."""
        inside, lines = self.m.inside, list[str]()
        for number in numbers:
            self._indent = _BODY
            lines += self._think(number)
            if inside and number == inside.start:
                lines += self._opening()
            self._indent = _BLOCK if number in inside else _BODY
            own = self._step(self.m.moves[number])
            if inside and number == inside.stop - 1:
                own += self._accepted()
            lines += [f"    {line}" for line in own] if number in inside else own
        return lines

    # -- one step -----------------------------------------------------------------------------------------------------

    def _step(self, move: Move) -> list[str]:
        number = move.request.number
        call, after, page = self._call(move), self.variables.after(number), self.variables.pages.get(number)
        lines = list(self._comments(move))
        if number in self.m.quantities:
            low, high = self.m.quantities[number]
            lines.append(f"{self.variables.quantities[number]} = self.random.randint({low}, {high})")
        if page is None:
            lines += self._written(call)
        elif self._is_inlined(page, after, call):
            return lines + self._inlined(after[0], call)
        else:
            lines += self._written(call, f"{page.name} = ")
        for one in after:
            lines += [one.comment] if one.comment else []
            of = one.of.name if one.of is not None else "" if page is None else page.name
            lines += self._written(filled_in(one.makes, of), f"{one.name} = ")
        return lines

    def _is_inlined(self, page: Binding, after: list[Binding], call: Call) -> bool:
        """Whether all that is needed of a page is one value that is better read at once than through a variable."""
        if page.users != {-1} or len(after) != 1 or after[0].comment or self._is_read_of(page):
            return False
        marked = flat(filled_in(after[0].makes, "\1"))
        if not marked.startswith("\1") or marked.count("\1") != 1:
            return False
        whole = self._indent + len(after[0].name) + 3 + len(flat(call))
        return whole + len(marked) - 1 <= WIDTH or whole + 1 > WIDTH

    def _is_read_of(self, page: Binding) -> bool:
        return self.m.order is not None and page.request == self.m.order.told_by

    def _inlined(self, one: Binding, call: Call) -> list[str]:
        return self._written(call, f"{one.name} = ", flat(filled_in(one.makes, "\1"))[1:])

    def _written(self, node: Node, before: str = "", after: str = "") -> list[str]:
        return written(node, 0, before, after, width=WIDTH - self._indent)

    def _think(self, number: int) -> list[str]:
        if number == 0 or (number in self.m.inside and number > self.m.inside.start):
            return []
        ended_s = max(each.last.ended_s for each in self.m.requests[:number])
        gap_s = self.m.requests[number].first.started_s - ended_s
        return [] if gap_s < _THINKS_S else [f"self.think()  # {min(gap_s, _LONGEST_S):.0f} s in the recording"]

    def _comments(self, move: Move) -> Iterator[str]:
        if self.variables.is_always_the_same(move):
            name = self.m.names[move.request.number]
            self.notes.append(f"{name}: both shoppers chose the same: the draft always opens it")
        if move.request.repeated > 1:
            yield f"# asked {move.request.repeated} times in the recording, one after the other"
        if named := list(self._unexplained(move)):
            names = shown(", ".join(dict.fromkeys(named)))
            yield f"# differs in the second recording: {names}"
            yield '# make it up, or draw it from self.data("…")'
            self.notes.append(
                f"{self.m.names[move.request.number]}: {names}: differs in the second recording, found in no reply"
            )

    def _unexplained(self, move: Move) -> Iterator[str]:
        """Return the names of values that differ in the second recording, and that nothing accounts for."""
        carried, number = set(move.carried()), move.request.number
        for key in sorted((key for key in self.m.varying if key[0] == number), key=repr):
            use = self.m.flow.uses.get(key)
            explained = use is not None and use.kind is not Kind.LITERAL
            explained = explained or self.values.quantity(key) is not None
            if not explained and (key[1], key[2]) not in carried:
                yield next(str(part) for part in reversed(key[2]) if isinstance(part, str) or key[1] == "path")

    # -- its call -----------------------------------------------------------------------------------------------------

    def _call(self, move: Move) -> Call:
        one, step, how = move.request, text(self.m.names[move.request.number]), self._how(move)
        if move.form is not None:
            fields = self.values.fields(move.form, one)
            return Call("self.submit(", (step, self._of_page(move), *([fields] if fields.items else [])), how)
        if move.link is not None:
            return Call("self.open(", (step, self._of_page(move)), how)
        if operation := operation_of(one.first):
            variables = [self.values.json(one.number, body)] if (body := body_of(one.first)) else []
            constant = Code(self._constant(operation.name, operation.query))
            return Call("self.graphql(", (text(operation.name), constant, *variables), how)
        return self._plain(one, step, how)

    def _of_page(self, move: Move) -> Node:
        """Return the form or the link, of the page or read from it in time."""
        bound = self.variables.bound.get(move.request.number)
        if bound is not None:
            return Code(bound.name)
        assert move.parent is not None  # noqa: S101 - it has a form or a link
        return filled_in(self.variables.found_by(move), self.variables.pages[move.parent].name)

    def _constant(self, name: str, query: str) -> str:
        plain = without_secrets(query)
        if plain != query:
            self.notes.append(f"{name}: what is secret or a shopper's own stood in the query: send it as a variable")
            query = plain
        found = next((known for known, held in self.queries.items() if held == query), None)
        if found is None:
            found = identifier([*words(name)], {known.lower() for known in self.queries}).upper()
            self.queries[found] = query
        return found

    def _plain(self, one: Request, step: Text, how: tuple[tuple[str, Node], ...]) -> Call:
        entry, verb = one.first, one.method.lower()
        sent: list[tuple[str, Node]] = []
        params = self.values.params(one)
        if params is not None:
            sent.append(("params", params))
        body: Node | None = None
        if entry.form is not None and verb != "get":
            sent.append(("form", self.values.form(one)))
        elif entry.sent_text and verb not in ("get", "head"):
            held = body_of(entry)
            body = None if held is None else self.values.json(one.number, held)
            if body is None:
                self.notes.append(
                    f"{self.m.names[one.number]}: what it sends isn't sent: it is neither JSON nor a form"
                )
        path = self.values.path(one)
        if verb in _PLAIN or (verb == "delete" and body is None and not sent):
            return Call(f"self.{verb}(", (step, path, *([body] if body else [])), (*sent, *how))
        json = [("json", body)] if body else []
        return Call("self.ask(", (step, text(one.method), path), (*json, *sent, *how))

    def _how(self, move: Move) -> tuple[tuple[str, Node], ...]:
        one, found = move.request, list[tuple[str, Node]]()
        headers = self.values.headers(one)
        if headers.items:
            found.append(("headers", headers))
        if typed := _typename(one):
            found.append(("expect", Mapped(((text(typed[0]), text(typed[1])),))))
        status = one.last.status
        if 400 <= status < 500:  # noqa: PLR2004 - the shop's answer to a shopper who did nothing wrong
            found.append(("expect", Code(str(status))))
        elif status in REDIRECTS:
            found += [("expect", Code(str(status))), ("follow", Code("False"))]
        label = self.m.labels.get(one.first.origin)
        if label is not None and move.form is None and move.link is None:
            found.append(("host", text(label)))
        return tuple(found)

    # -- the order ----------------------------------------------------------------------------------------------------

    def _opening(self) -> list[str]:
        order, total = self.m.order, self.variables.total
        assert order is not None and total is not None  # noqa: S101, PT018 - it is whole
        lines = [self._line(bought, sku) for bought, sku in zip(order.bought, self.variables.skus, strict=True)]
        key = self._key()
        named = (("key", key),) if key is not None else ()
        call = Call("self.order(", (Items(tuple(lines)), Code(total.code())), named)
        comments = (
            []
            if all(one.is_sku for one in order.bought)
            else ["# no SKU in the recording: the id that is put into the cart"]
        )
        return [*comments, *self._written(call, "with ", " as order:")]

    def _line(self, bought: Bought, sku: Read | None) -> Node:
        slot = bought.sku
        if sku is not None:
            named: Node = Code(sku.code())
        else:
            assert isinstance(slot, Slot)  # noqa: S101 - else it has a place
            named = self.values.value((bought.request, slot.where, slot.place), text(slot.value))
        quantity = bought.quantity
        counted: list[Node] = []
        if quantity is not None and quantity.value.isdigit():
            varied = self.variables.quantities.get(bought.request)
            counted = [Code(varied or quantity.value)]
        return Call("self.line(", (named, *counted))

    def _key(self) -> Node | None:
        """Return the shop's own key of the order: the id of the cart that becomes one, where it is sent with it."""
        order = self.m.order
        for (number, _, _), use in self.m.flow.uses.items():
            if (
                order is not None
                and number == order.request
                and use.taken is not None
                and _CARTS & set(use.taken.words)
            ):
                return Code(self.variables.of(use.taken).code())
        return None

    def _accepted(self) -> list[str]:
        order = self.m.order
        assert order is not None and order.order_id is not None  # noqa: S101, PT018 - it is whole
        page, known = self.variables.pages[order.told_by].name, self.variables.known(order.order_id)
        number = Code(known.name) if known else filled_in(taken_from(order.order_id), page)
        placed = order.placed_total
        named = () if placed is None else (("cents", filled_in(cents_of(placed), page)),)
        return self._written(Call("order.accepted(", (number,), named))


def _typename(one: Request) -> tuple[str, str] | None:
    """Return the path and the type of what a GraphQL mutation gave back, where it might have been an error instead."""
    operation, data = operation_of(one.first), data_of(one.last)
    if operation is None or not operation.is_mutation or not isinstance(data, dict) or len(data) != 1:
        return None
    (name, found), *_ = data.items()
    typed = found.get("__typename") if isinstance(found, dict) else None
    return (f"{name}.__typename", typed) if isinstance(typed, str) else None
