"""Expressions that read a value out of a page, with PAGE standing for the page's variable."""

from loadtests.har.code import Call, Code, Node, flat, text
from loadtests.har.slots import Place
from loadtests.har.sources import LAST_WORD, Source

PAGE = "\0page"


def at(path: Place) -> Node:
    """Return the expression for a value of the page's JSON."""
    if not path or any(isinstance(part, str) and ("." in part or not part) for part in path):
        return Call(f"{PAGE}.json", tuple(map(_part, path)), ends="") if not path else _indexed(path)
    return Call(f"{PAGE}[", (text(".".join(map(str, path))),), ends="]")


def taken_from(source: Source) -> Node:
    """Return the expression that takes a value from its place in a reply."""
    match source.how:
        case "json":
            return at(source.path)
        case "element":
            return _of_element(source)
        case "header":
            return Call(f"{PAGE}.header(", (text(source.name),))
        case "cookie":
            read = Call("self.cookie(", (text(source.name),))
            return Call("unquote(", (read,)) if source.attribute else read
        case "text":
            found = Call(f"{PAGE}.text.partition(", (text(source.start),))
            return Call(f"{flat(found)}[2].partition(", (text(source.end),), ends=")[0]")
        case _:
            return _of_address(source)


def filled_in(node: Node, page: str) -> Node:
    """Return the node with the page's variable in it."""
    if isinstance(node, Code):
        return Code(node.text.replace(PAGE, page))
    if isinstance(node, Call):
        items = tuple(filled_in(one, page) for one in node.items)
        return Call(node.opens.replace(PAGE, page), items, node.named, node.ends)
    return node


def _of_element(source: Source) -> Node:
    if source.end == LAST_WORD:
        return Call(f"{PAGE}.one(", (text(source.name),), ends=').text.split()[-1].strip("#.!:")')
    ends = f')["{source.attribute}"]' if source.attribute else ").text"
    return Call(f"{PAGE}.one(", (text(source.name),), ends=ends)


def _of_address(source: Source) -> Node:
    """Return what reads a part of the path, or of the query, that redirects led to."""
    if source.name:
        before = flat(text(f"{source.name}="))
        return Call(f"{PAGE}.path.partition({before})[2].partition(", (text("&"),), ends=")[0]")
    return Code(f'{PAGE}.path.partition("?")[0].strip("/").split("/")[{source.path[0]}]')


def _indexed(path: Place) -> Node:
    return Code(f"{PAGE}.json" + "".join(f"[{flat(_part(part))}]" for part in path))


def _part(part: str | int) -> Node:
    return Code(str(part)) if isinstance(part, int) else text(part)
