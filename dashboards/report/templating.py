"""The pages' templates: everything printed is escaped, and what is not known is a dash."""

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from dashboards import formatting

CSP = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_FILTERS = ("count", "seconds", "percent", "moment", "clock", "elapsed")
_SECOND_NS = 1_000_000_000


def page_from(template: str, **values: object) -> str:
    """Return the HTML that `template` makes of `values`, with the pages' style and policy."""
    style = Markup(_text_of("style.css"))  # noqa: S704 - a file of this package
    return _templates().get_template(template).render(**values, style=style, csp=CSP)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_text_of),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters |= {name: getattr(formatting, name) for name in _FILTERS}
    environment.filters["length_words"] = formatting.length
    environment.filters["ns_seconds"] = lambda ns: ns / _SECOND_NS
    return environment


def _shown(value: Any) -> Any:  # noqa: ANN401 - whatever a template prints
    """Return what a template prints: nothing known as a dash, text without what can't be printed."""
    if value is None:
        return formatting.UNKNOWN
    return formatting.plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _text_of(name: str) -> str:
    return (files("dashboards.report") / "templates" / name).read_text(encoding="utf-8")
