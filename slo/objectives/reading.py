"""Files of objectives: OpenSLO documents or Sloth specifications, many to a file, as documents or as a list."""

from collections.abc import Iterable
from pathlib import Path

from slo.documents import BadInput, parse_yaml_documents, read_text
from slo.objectives import sloth
from slo.objectives.objective import Objective
from slo.objectives.openslo.document_set import DocumentSet, Given


def read_objectives(paths: Iterable[Path]) -> tuple[Objective, ...]:
    """Read every SLO of the files at `paths`, in order; documents of all of them may refer to each other.

    Raises BadInput that names file, document, line, place, value and what is allowed, for all documents at once; also
    when there is no SLO at all, as a run without objectives must never pass, and when a name occurs twice.
    """
    paths = list(paths)
    found: dict[str, tuple[Objective, str]] = {}
    for where, objective in _objectives_of(paths):
        if objective.name in found:
            raise BadInput(f"{where}: metadata.name: {objective.name!r} is already in {found[objective.name][1]}")
        found[objective.name] = (objective, where)
    if not found:
        where = ", ".join(map(str, paths)) or "no file given"
        raise BadInput(f"{where}: no SLO found; expected at least one document with kind: SLO")
    return tuple(objective for objective, _ in found.values())


def _objectives_of(paths: Iterable[Path]) -> list[tuple[str, Objective]]:
    """Return the objectives in the order of the files, Sloth's before OpenSLO's; raises BadInput with all problems."""
    documents, read, given = DocumentSet(), list[tuple[str, Objective]](), list[Given]()
    for path in paths:
        for one in _given(path):
            if not _is_sloth(one):
                given.append(one)
                continue
            try:
                objectives = sloth.objectives_of(one.document.data, one.where, one.document)
                read += [(one.where, objective) for objective in objectives]
            except BadInput as error:
                documents.problems.append(str(error))
    documents.add(given)
    read += documents.objectives() if not documents.problems else []
    if documents.problems:
        raise BadInput("\n".join(documents.problems))
    return read


def _given(path: Path) -> list[Given]:
    out = []
    for number, document in enumerate(parse_yaml_documents(read_text(path), path), start=1):
        items = document.items()
        for place, item in enumerate(items, start=1):
            inside = "" if items == (document,) else f", item {place}"
            out.append(Given(where=f"{path}: document {number}{inside}", document=item))
    return out


def _is_sloth(given: Given) -> bool:
    """Whether a document is a Sloth specification, which says its version as OpenSLO says its apiVersion."""
    return isinstance(given.document.data, dict) and "version" in given.document.data
