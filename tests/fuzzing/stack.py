"""The parser of what the running stack answers: Grafana, and through it Prometheus, Alertmanager and Tempo."""

import json
from typing import Any, Self
from unittest import mock
from urllib.parse import urlsplit

from scripts.doctor import stack
from scripts.doctor.lines import ok, rendered, wrong
from scripts.doctor.stack import FOLDER, JOBS, Stack, check_stack
from slo.documents import BadInput
from tests.fuzzing.parser import Parser
from tests.fuzzing.served import Served

_AT = "http://127.0.0.1:1"
_PAGES = ("/api/health", "/api/org", "/health", "/api/dashboards/", "query", "rules", "/search", "/api/traces/")
_GOOD: tuple[dict[str, object], ...] = (
    {"database": "ok", "version": "12.1.1"},
    {"id": 1},
    {"status": "OK", "message": "ok"},
    {"dashboard": {"title": "a"}, "meta": {"folderTitle": FOLDER, "provisioned": True}},
    {"data": {"result": [{"metric": {"job": job}, "value": [1, "1"]} for job in JOBS]}},
    {"data": {"groups": [{"rules": [{"name": "PeakproofShopDown", "health": "ok"}]}]}},
    {"results": []},
    {"batches": []},
)
_WORDS = (
    *(
        b"\x1e",
        b'"data"',
        b'"result"',
        b'"metric"',
        b'"value"',
        b'"groups"',
        b'"rules"',
        b'"health"',
        b'"meta"',
        b"[1]",
    ),
    *(b'{"data": 5}', b'{"a": 1}', b"[[]]", b"null", b'"\\u001b[2J"', b'"\\ud800"'),
)


class _Answers:
    """A session that answers each page with its part of an input."""

    def __init__(self, data: bytes) -> None:
        self._parts = dict(zip(_PAGES, data.split(b"\x1e"), strict=False))

    def get(self, url: str, **_options: object) -> Served:
        path = urlsplit(url).path
        page = next(page for page in (*_PAGES[:2], "/api/traces/", *_PAGES[2:]) if page in path)
        return Served(self._parts.get(page, b""))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""


def _check(data: bytes) -> object:
    """Make every check of a stack; one that isn't good is refused with what the command says of it."""
    at: Any = Stack(grafana_url=_AT, shop_url=_AT, trace_s=1, sleep=lambda _: None)
    with mock.patch.object(stack, "DirectSession", return_value=_Answers(data)):
        found = check_stack({}, at)
    lines = [ok(one.name, one.found) if one.good else wrong(one.name, one.found, one.change or "") for one in found]
    if not all(one.good for one in found):
        raise BadInput("\n".join(rendered(lines)))
    return lines


PARSERS = (
    Parser(
        name="stack-answers",
        parse=_check,
        refuses=(BadInput,),
        seeds=(b"\x1e".join(json.dumps(one).encode() for one in _GOOD),),
        tokens=_WORDS,
        is_shown=True,
    ),
)
