"""Where in the repository's files an objective stands: file and line of its name."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from slo.documents import BadInput, parse_yaml_documents, read_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A line, from 1, of a file named by its path in the repository."""

    file: str
    line: int


def objective_places(files: Iterable[Path], repository: Path) -> dict[str, Place]:
    """Return the place of each objective by name; a file that can't be read, or lies outside, gives none."""
    found: dict[str, Place] = {}
    for file in files:
        inside = _inside(file, repository)
        for name, line in _named(file) if inside is not None else ():
            found.setdefault(name, Place(file=str(inside), line=line))
    return found


def _inside(file: Path, repository: Path) -> Path | None:
    try:
        return file.resolve().relative_to(repository.resolve())
    except ValueError:
        return None


def _named(file: Path) -> Iterator[tuple[str, int]]:
    try:
        documents = parse_yaml_documents(read_text(file), file)
    except BadInput:
        return
    for document in documents:
        yield from _of(document.node)


def _of(node: yaml.Node | None) -> Iterator[tuple[str, int]]:
    """Return the names of one document: an OpenSLO one's, of a list of them, or a Sloth specification's."""
    if isinstance(node, yaml.SequenceNode):
        for one in node.value:
            yield from _of(one)
    name = _value(_value(node, "metadata"), "name") or _value(node, "name")
    if isinstance(name, yaml.ScalarNode):
        yield name.value, name.start_mark.line + 1
    slos = _value(node, "slos")
    if isinstance(slos, yaml.SequenceNode):
        for one in slos.value:
            yield from _of(one)


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if getattr(name, "value", None) == key), None)
