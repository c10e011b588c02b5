"""OpenSLO's DataSource: which kind of source a metric is in. Source: https://openslo.com/specification#datasource.

How to connect isn't taken from it: the Prometheus of a run is named by its environment.
"""

import re
from typing import Any, Literal

from pydantic import Field

from slo.objectives.openslo.parts import Description, Object, Part

_SECRET = re.compile(r"secret|passw|token|credential|access_?key|api_?key|private", re.IGNORECASE)


class _Spec(Part):
    description: Description | None = None
    type: str = Field(min_length=1)
    connection_details: Any = None


class DataSource(Object):
    """A source of metrics by its type."""

    kind: Literal["DataSource"]
    spec: _Spec


def secret_of(source: DataSource) -> str | None:
    """Return the first key of its connection whose value must not be copied: no message may show the value."""
    return _secret(source.spec.connection_details)


def _secret(value: object, depth: int = 0) -> str | None:
    if isinstance(value, dict) and depth < 16:  # noqa: PLR2004 - deeper than any configuration
        for key, inside in value.items():
            if _SECRET.search(str(key)) and inside:
                return str(key)
            if (found := _secret(inside, depth + 1)) is not None:
                return found
    if isinstance(value, list):
        return next((found for one in value if (found := _secret(one, depth + 1)) is not None), None)
    return None
