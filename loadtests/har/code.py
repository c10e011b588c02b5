"""Python source as a tree, printed as the formatters have it: on one line where that fits, else one item a line."""

from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH = 88


@dataclass(frozen=True, slots=True)
class Code:
    """An expression as it stands: a name, a number, or what was put together of such."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text: parts that are literal, and expressions (`Code`) in between."""

    parts: tuple["str | Code", ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A call, or an index when `ends` is brackets: `opens` is what comes before the first argument."""

    opens: str
    items: tuple["Node", ...] = ()
    named: tuple[tuple[str, "Node"], ...] = ()
    ends: str = ")"


@dataclass(frozen=True, slots=True)
class Items:
    """A list or tuple."""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Mapped:
    """A dict, with what is spread into it first."""

    items: tuple[tuple["Node", "Node"], ...] = field(default=())


Node = Code | Text | Call | Items | Mapped


def text(value: str) -> Text:
    """Return a plain text."""
    return Text((value,))


def written(node: Node, indent: int, before: str = "", after: str = "", *, width: int = WIDTH) -> list[str]:
    """Return the lines of `before`, the node and `after`, indented by so many spaces, in at most `width` columns."""
    pad = " " * indent
    line = flat(node)
    if len(pad) + len(before) + len(line) + len(after) <= width or not _parts(node)[1]:
        return [f"{pad}{before}{line}{after}"]
    opens, items, closes = _parts(node)
    lines = [f"{pad}{before}{opens}"]
    joined = ", ".join(f"{key}{flat(one)}" for key, one in items)
    if isinstance(node, Call) and len(pad) + 4 + len(joined) <= width and not _is_magic(node):
        lines.append(f"{pad}    {joined}")
    else:
        for key, one in items:
            lines += written(one, indent + 4, key, ",", width=width)
    return [*lines, f"{pad}{closes}{after}"]


def _is_magic(node: Node) -> bool:
    return isinstance(node, Items | Mapped)


def _parts(node: Node) -> tuple[str, list[tuple[str, Node]], str]:
    if isinstance(node, Call):
        items: list[tuple[str, Node]] = [("", one) for one in node.items]
        return node.opens, items + [(f"{name}=", one) for name, one in node.named], node.ends
    if isinstance(node, Items):
        return "[", [("", one) for one in node.items], "]"
    if isinstance(node, Mapped):
        return "{", [(f"{flat(key)}: ", one) for key, one in node.items], "}"
    return "", [], ""


def flat(node: Node) -> str:
    """Return a node on one line."""
    if isinstance(node, Code):
        return node.text
    if isinstance(node, Text):
        return _quoted(node.parts)
    opens, items, closes = _parts(node)
    return f"{opens}{', '.join(f'{key}{flat(one)}' for key, one in items)}{closes}"


def _quoted(parts: Sequence["str | Code"]) -> str:
    """Return a literal with double quotes, as the formatters have it, unless that takes more escapes."""
    plain = "".join(one for one in parts if isinstance(one, str))
    if all(isinstance(one, str) for one in parts):
        return literal(plain)
    body = "".join(
        f"{{{one.text}}}" if isinstance(one, Code) else literal(one, '"')[1:-1].replace("{", "{{").replace("}", "}}")
        for one in parts
    )
    return f'f"{body}"'


def literal(value: str, quote: str | None = None) -> str:
    """Return a text as Python's source has it, whatever it holds: with these quotes, or those that escape less."""
    quote = quote or ("'" if '"' in value and "'" not in value else '"')
    shown = "".join(_escaped(one, quote) for one in value)
    return f"{quote}{shown}{quote}"


def _escaped(one: str, quote: str) -> str:
    if one in ("\\", quote):
        return f"\\{one}"
    if one.isprintable():
        return one
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(one) or one.encode("unicode_escape", "surrogatepass").decode()


def items_of(nodes: Sequence[Node]) -> Node:
    """Return a list of nodes."""
    return Items(tuple(nodes))
