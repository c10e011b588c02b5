"""GraphQL over HTTP: which requests are an operation, and what it is called."""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from loadtests.har.entries import Entry

_NAMED = re.compile(r"\b(query|mutation)\s+([A-Za-z_]\w{0,59})")

_LITERAL = re.compile(
    r"((?:passw\w*|pwd|\w*token|secret|cv[cvn]|\w*card\w*|e?mail\w*|user(?:name)?|login)\s*:\s*)"
    r'"(?:[^"\\]|\\.)*"',
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A named operation: its document and variables."""

    name: str
    query: str
    variables: dict[str, Any]

    @property
    def is_mutation(self) -> bool:
        """Whether it changes something."""
        return any(kind == "mutation" and name == self.name for kind, name in _NAMED.findall(self.query))


def operation_of(entry: Entry) -> Operation | None:
    """Return the GraphQL operation that a request is, None for anything else: one without a name is a plain post."""
    if entry.method != "POST" or '"query"' not in entry.sent_text:
        return None
    body = json_of(entry.sent_text)
    if not isinstance(body, dict) or not set(body) <= {"query", "operationName", "variables", "extensions"}:
        return None
    query, variables = body.get("query"), body.get("variables") or {}
    if not isinstance(query, str) or not isinstance(variables, dict) or body.get("extensions"):
        return None
    named = [name for _, name in _NAMED.findall(query)]
    name = body.get("operationName") or (named[0] if len(named) == 1 else None)
    if not isinstance(name, str) or name not in named:
        return None
    return Operation(name=name, query=query, variables=variables)


def without_secrets(query: str) -> str:
    """Return a document without the secrets and addresses that stand in it as literals."""
    return _LITERAL.sub(r'\1"…"', query)


def json_of(text: str | bytes) -> Any:  # noqa: ANN401 - JSON
    """Return what a text of JSON holds, None when it is none."""
    try:
        return orjson.loads(text)
    except ValueError:
        return None
