"""Parsers of what a shop's own systems say of orders, payments and stock, and of what comes from workers."""

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast

import msgpack
import orjson
from pydantic import TypeAdapter

from exporters.serving.source import Deadline, Unreadable
from exporters.subjects.orders.funnel import read_funnel
from exporters.uploads import Uploads
from loadtests.audit.http_records import HttpPages
from loadtests.audit.json_columns import columns_of_list
from loadtests.audit.paging import next_link
from loadtests.audit.record_shape import Shape
from loadtests.audit.rows_process import _valid
from loadtests.audit.shop_records import Order, Payment
from loadtests.audit.unavailable import SourceUnavailableError
from loadtests.coordination.admission import Admission, AdmissionHandler
from loadtests.coordination.messages import ASK_FOR_BUNDLE, JOIN
from loadtests.coordination.run_bundle import BundleDownload, BundleServer, seal
from loadtests.coordination.uploads import UploadPermits, digest_field, token_for
from loadtests.environment.credentials import RecordAccess
from loadtests.environment.record_targets import OrdersSource, PaymentsSource, StockSource
from loadtests.probe.messages import ProbeJob
from loadtests.results.run_directory import RunDirectory
from loadtests.trial.messages import TryEvent
from slo.documents import BadInput
from tests.fuzzing.parser import Parser
from tests.fuzzing.scratch import scratch
from tests.fuzzing.served import Served

_RUN_NAME = "20261127T000000Z-small-abcd"
_URL = "https://shop.example/api/orders"
_ORDERS = OrdersSource.model_validate(
    {
        "http": {"url": _URL, "list": "data", "next": {"cursor": "meta.next", "param": "after"}},
        "fields": {"order_id": "id", "total_cents": "total", "lines": "items", "key": "metadata.key"},
        "line": {"sku": "variant.sku"},
        "status": {"accepted": ["paid"]},
    }
)
_PAYMENTS = PaymentsSource.model_validate(
    {"http": {"url": _URL, "query": {"a": "b"}}, "fields": {"payment_id": "id", "amount_cents": "amount"}}
)
_STOCK = StockSource.model_validate({"http": {"url": _URL, "query": {"a": "b"}}})
_SOURCES: Mapping[str, Any] = {"orders": _ORDERS, "payments": _PAYMENTS, "stock": _STOCK}
_ROWS = {
    "orders": json.dumps(
        {
            "data": [
                {
                    "id": 7,
                    "total": 1990,
                    "items": [{"variant": {"sku": "a"}, "quantity": 2}],
                    "status": "paid",
                    "metadata": {"key": "k-1"},
                    "created_at": "2026-11-27T12:00:00Z",
                    "run": None,
                }
            ],
            "meta": {"next": "x"},
        }
    ).encode(),
    "payments": b'[{"id": "p1", "reference": "o1", "amount": 1990, "status": "captured",'
    b' "created_at": "2026-11-27T12:00:00Z"}]',
    "stock": b'[{"sku": "a", "location": "web", "quantity": 4, "reserved": 1.0}]',
}
_ORDER_LINES = (
    b'[{"order_id": "7", "key": "k-1", "run": null, "status": "accepted", "created_at": 1795780800000000000,'
    b' "total_cents": 1990, "lines": [{"sku": "a", "quantity": 2, "location": "web"}]}]'
)
_PAYMENT_LINES = (
    b'[{"payment_id": "p1", "reference": "7", "amount_cents": 1990, "status": "captured",'
    b' "created_at": 1795780800000000000, "provider": null}]'
)
_SEALED = b"sealed"
_BUNDLE = (
    b"sealed\n"
    + json.dumps(
        {
            "run": _RUN_NAME,
            "workers": 2,
            "files": {"plan.yaml": "a: 1", "storefront/shop.py": "x = 1"},
            "data": {"storefront/words.bin": "/w=="},
        }
    ).encode()
)
_EXCHANGE = {"step": "home", "method": "GET", "path": "/", "headers": {"a": "b"}, "body": None}
_PLACE = {"file": "a.py", "line": 1, "function": "f"}
_CEILING = {"requests_per_s": 5, "open_sessions": 5, "orders": 5}
_TARGETS = {"staging": {"base_url": "http://127.0.0.1:1", "storefront": "twisted-threads", "ceiling": _CEILING}}
_PROBE = {
    "target": "staging",
    "module": "shop",
    "journey": "a",
    "buys": True,
    "targets": {"format": "peakproof/targets/v1", "environments": _TARGETS},
    "plan": None,
    "permit": None,
    "folder": "a",
    "leases": "b",
    "scratch": "c",
    "ends_at_s": 5.5,
}
_CHILD_LINES = tuple(
    json.dumps(line).encode()
    for line in (
        {"kind": "failure", "what": "shop", "message": "x", "places": [_PLACE], "exchange": _EXCHANGE},
        {"kind": "step", "step": "home", "method": "GET", "path": "/", "status": 200, "time_s": 0.1, "bytes": 5},
        {"kind": "ended", "journey": "a", "session": 1, "steps": {"home": 1}, "orders": 1, "accepted": 1, "took_s": 2},
        _PROBE,
    )
)
_VALUES = (
    *(
        b'"created_at"',
        b'"status"',
        b'"quantity"',
        b'"total"',
        b"1e19",
        b'"2026-02-30"',
        b'"12,50"',
        b'"1.234.567,8"',
        b"19.999999",
    ),
    *(
        b'"\\ud800"',
        b"[[]]",
        b'{"sku": "b", "quantity": -1}',
        b'"0001-01-01T00:00:00-23:59"',
        b'"9999-12-31T23:59:59.999999999Z"',
    ),
)


def _pages(kind: str) -> Callable[[bytes], object]:
    def parse(data: bytes) -> object:
        first, _, second = data.partition(b"\x00")
        answers = iter((first, second or b"[]", b"[]"))

        class Session(Served):
            def get(self, _url: str, **_options: object) -> Any:
                return Served(next(answers, b"[]"))

        pages = HttpPages(kind, _SOURCES[kind], RecordAccess(), None, cast("Any", Session(b"")))
        read = pages.stock(10**18) if kind == "stock" else [*cast("Any", getattr(pages, kind))(*_ASKED[kind])]
        pages.close()
        return read

    return parse


_ASKED: Mapping[str, tuple[Any, ...]] = {"orders": (None, 10**18), "payments": (10**18,)}


def _shaped(data: bytes) -> object:
    """Read rows as a database gives them; JSON has most of their types."""
    try:
        rows = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return [*Shape("orders", _ORDERS).rows(rows if isinstance(rows, list) else [rows])]


def _columns(data: bytes) -> object:
    return columns_of_list("orders", data), columns_of_list("payments", data)


def _row_lines(data: bytes) -> object:
    try:
        return _valid(TypeAdapter(list[Order]), data, "orders", 0)
    except SourceUnavailableError:
        return _valid(TypeAdapter(list[Payment]), data, "payments", 0)


def _funnel(data: bytes) -> object:
    source = SimpleNamespace(shown="the funnel", read=lambda _: orjson.loads(data) if data[:1] in b"{[" else None)
    try:
        return read_funnel(cast("Any", source), Deadline(at=1e18))
    except orjson.JSONDecodeError:
        return None


def _run() -> RunDirectory:
    """Return a run that workers may ask for and upload to."""
    run = RunDirectory(path=scratch() / _RUN_NAME)
    if not run.path.exists():
        run.objectives.mkdir(parents=True)
        for path in (run.plan, run.targets, run.job):
            path.write_text("{}")
    return run


def _stranger(data: bytes) -> object:
    """Handle what a process sends that hasn't joined; Locust reads MessagePack."""
    try:
        kind, value = msgpack.loads(data, strict_map_key=False)
    except Exception:  # noqa: BLE001 - Locust's own to refuse
        return None
    run, admission = _run(), Admission("token", _RUN_NAME, 2)
    permits = UploadPermits(key="k", run=_RUN_NAME, port=1)
    handler = AdmissionHandler(admission, BundleServer("token", run, 2), run, permits)
    admission.saw("client")
    return handler.reply("client", JOIN if kind == 0 else ASK_FOR_BUNDLE, value), admission.strangers


def _bundle(data: bytes) -> object:
    download = BundleDownload("token", "client", "nonce")
    sealed, _, text = data.partition(b"\n")
    if sealed == _SEALED:  # as a master that knows the token does
        sealed = seal("token", "client", "nonce", text).encode()
    download.take({"at": 0, "data": text, "size": len(text), "seal": sealed.decode("latin-1")})
    return download.open()


def _upload(data: bytes) -> object:
    """Take an upload: the first line is its name, the second its fields, the rest its body."""
    name, _, rest = data.partition(b"\n")
    fields, _, body = rest.partition(b"\n")
    given = dict(part.partition("=")[::2] for part in fields.decode("latin-1").split("|"))
    run, statuses = _run(), list[str]()
    environ = {
        "REQUEST_METHOD": "PUT",
        "PATH_INFO": f"/runs/{_RUN_NAME}/{name.decode('latin-1')}",
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_AUTHORIZATION": f"Bearer {token_for('k', _RUN_NAME, 'w0')}",
        "HTTP_CONTENT_DIGEST": digest_field(hashlib.sha256(body).digest()),
        **given,
    }
    Uploads(run, "k")(environ, lambda status, _headers: statuses.append(status))
    written = {path.relative_to(run.path).as_posix() for path in run.path.rglob("*") if path.is_file()}
    for one in written - _THERE:
        (run.path / one).unlink()
    assert all(one.split("-")[0].split("/")[0] in _WRITES for one in written - _THERE), written
    return statuses


_THERE = frozenset({"plan.yaml", "targets.redacted.json", "job.json"})
_WRITES = frozenset({"requests", "sessions", "ledger", "worker", "errors", "shared"})


def _child_line(data: bytes) -> object:
    try:
        return TryEvent.model_validate_json(data)
    except ValueError:
        return ProbeJob.model_validate_json(data)


PARSERS = (
    *(
        Parser(
            name=f"records-{kind}",
            parse=_pages(kind),
            refuses=(SourceUnavailableError,),
            seeds=(seed + b"\x00" + last,),
            other_seeds=(seed, seed + b"\x00" + seed) if kind == "orders" else (),
            tokens=_VALUES,
            is_shown=True,
        )
        for kind, seed in _ROWS.items()
        for last in (b'{"data": []}' if kind == "orders" else b"[]",)
    ),
    Parser(
        name="record-rows",
        parse=_shaped,
        refuses=(BadInput,),
        seeds=(json.dumps(json.loads(_ROWS["orders"])["data"]).encode(),),
        other_seeds=tuple(_ROWS.values()),
        tokens=_VALUES,
        is_shown=True,
    ),
    Parser(
        name="record-columns",
        parse=_columns,
        refuses=(),
        seeds=(_ORDER_LINES, _PAYMENT_LINES),
        tokens=_VALUES,
    ),
    Parser(
        name="record-lines",
        parse=_row_lines,
        refuses=(SourceUnavailableError,),
        seeds=(_ORDER_LINES, _PAYMENT_LINES, b"[]"),
        tokens=_VALUES,
        is_shown=True,
    ),
    Parser(
        name="funnel",
        parse=_funnel,
        refuses=(Unreadable,),
        seeds=(b'{"funnel": {"home": 9, "cart": 1}, "orders": {"accepted": 3}, "orders_by_location": {"web": 3}}',),
        tokens=_VALUES,
    ),
    Parser(
        name="link-header",
        parse=lambda data: next_link(data.decode("latin-1")),
        refuses=(),
        seeds=(b'<https://shop.example/api?page=2>; rel="next", <x>; rel=last',),
        tokens=(b"<", b">", b"; rel=", b'"', b","),
    ),
    Parser(
        name="stranger",
        parse=_stranger,
        refuses=(),
        seeds=(
            msgpack.dumps([0, {"proof": "x", "sees": "y"}]),
            msgpack.dumps([1, {"nonce": "a", "proof": "b", "at": 0}]),
        ),
    ),
    Parser(
        name="run-bundle",
        parse=_bundle,
        refuses=(BadInput,),
        seeds=(_BUNDLE,),
        other_seeds=(b"0" + _BUNDLE,),
        is_shown=True,
    ),
    Parser(
        name="upload",
        parse=_upload,
        refuses=(),
        seeds=(
            b"ledger-w0.jsonl\nHTTP_UPLOAD_OFFSET=0\n{}\n",
            b"requests-w0-00000.parquet\nx=y\nPAR1",
            b"worker-w0.json\nHTTP_UPLOAD_VERSION=1\n{}",
        ),
        tokens=(
            b"..",
            b"/",
            b"w0",
            b"errors/",
            b"CONTENT_LENGTH=",
            b"HTTP_TRANSFER_ENCODING=chunked",
            b"|",
            b"HTTP_CONTENT_DIGEST=",
        ),
    ),
    Parser(
        name="child-line",
        parse=_child_line,
        refuses=(ValueError,),
        seeds=_CHILD_LINES,
    ),
)
