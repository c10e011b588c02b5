"""Files of objectives: OpenSLO documents or Sloth specifications, many to a file."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import yaml

from slo.documents import BadInput, read_text
from slo.objectives import openslo, sloth
from slo.objectives.objective import Objective

_MAX_DOCUMENTS = 100


def read_objectives(paths: Iterable[Path]) -> tuple[Objective, ...]:
    """Read every SLO of the files at `paths`, in order.

    Raises BadInput that names file, document, place, value and what is allowed, for all documents of a file at once;
    also when there is no SLO at all, as a run without objectives must never pass, and when a name occurs twice.
    """
    paths = list(paths)
    found: dict[str, tuple[Objective, str]] = {}
    for path in paths:
        for where, objective in _objectives_of(path):
            if objective.name in found:
                raise BadInput(f"{where}: metadata.name: {objective.name!r} is already in {found[objective.name][1]}")
            found[objective.name] = (objective, where)
    if not found:
        where = ", ".join(map(str, paths)) or "no file given"
        raise BadInput(f"{where}: no SLO found; expected at least one document with kind: SLO")
    return tuple(objective for objective, _ in found.values())


def _objectives_of(path: Path) -> list[tuple[str, Objective]]:
    read, problems = [], []
    for number, data in enumerate(_documents(path), start=1):
        where = f"{path}: document {number}"
        try:
            read += [(where, objective) for objective in _read(data, where)]
        except BadInput as error:
            problems.append(str(error))
    if problems:
        raise BadInput("\n".join(problems))
    return read


def _read(data: object, where: str) -> Sequence[Objective]:
    """Return the objectives of one document: a Sloth specification says its version, OpenSLO its apiVersion."""
    if isinstance(data, dict) and "version" in data:
        return sloth.objectives_of(data, where)
    return [openslo.objective_of(data, where)]


def _documents(path: Path) -> Iterator[object]:
    text = read_text(path)
    try:
        documents = [data for data in yaml.safe_load_all(text) if data is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise BadInput(f"{path}: not YAML{place}: {getattr(error, 'problem', None) or 'malformed'}") from error
    except (RecursionError, ValueError) as error:
        raise BadInput(f"{path}: not YAML: {error}") from error
    if len(documents) > _MAX_DOCUMENTS:
        raise BadInput(f"{path}: {len(documents)} documents, at most {_MAX_DOCUMENTS} allowed")
    yield from documents
