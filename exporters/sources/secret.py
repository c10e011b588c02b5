"""Reads what a configuration names by variable or file, when the exporter is made; no message holds the value."""

from exporters.context import ExporterContext
from loadtests.environment.target_fields import HeaderValue
from slo.documents import BadInput, read_text

_MAX_BYTES = 64 << 10


def revealed(held: HeaderValue, context: ExporterContext, place: str) -> str:
    """Return the value that `held` is or names; raises BadInput, which names `place`, when it is missing or empty."""
    if held.value is not None:
        return held.value
    if held.env is not None:
        text, where = context.variables.get(held.env, ""), f"the environment variable {held.env}"
        missing = "is not set"
    else:
        path = context.path(str(held.file))
        text, where, missing = read_text(path, _MAX_BYTES).strip("\r\n"), str(path), "is empty"
    if not text:
        raise BadInput(f"{place}: {where} {missing}")
    return text
