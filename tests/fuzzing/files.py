"""Parsers of what a person or another program puts into a file: YAML of each kind, CSV, HAR, PromQL, Python."""

import ast
import json
from collections.abc import Callable
from pathlib import Path

from dashboards.grafana.checks.promql.read import read as read_query
from exporters.config import read_config
from exporters.serving.source import Unreadable
from exporters.serving.web_config import read_web_config
from exporters.subjects.releases.release_events import read_events
from loadtests.demand.forecast import Forecast
from loadtests.demand.history import read_history
from loadtests.demand.plan import read_plan
from loadtests.demand.resources import read_prices
from loadtests.environment.bundle import Module
from loadtests.environment.data_files import read_table
from loadtests.environment.targets import Targets
from loadtests.guardrails.permission import read_permission
from loadtests.har.importing import import_visit
from loadtests.har.reading import read_har
from loadtests.locustfiles.refusals import refusals_of
from loadtests.locustfiles.routes import routes_of, spelled
from slo.documents import BadInput, parse_yaml_documents, read_yaml
from slo.objectives import promql
from slo.objectives.reading import read_objectives
from slo.objectives.selectors import parse_selector
from slo.policy.policy import read_policy
from tests.fuzzing.parser import Parser
from tests.fuzzing.scratch import scratch

_ROOT = Path(__file__).parents[2]
_YAML = (
    *(
        b"&a",
        b"*a",
        b"<<: *a",
        b"!!python/object:os.system",
        b"!!binary",
        b"!!set",
        b"? ",
        b"- ",
        b": ",
        b"\n  ",
        b"---\n",
        b"...",
    ),
    *(
        b"|\n",
        b">-\n",
        b"{a: [*a, *a]}",
        b"0x1F",
        b"0o17",
        b"1:30",
        b"2026-13-45",
        b"~",
        b".inf",
        b".nan",
        b"on",
        b"%YAML 1.1\n",
    ),
    *(b"[" * 200, b"{a: " * 200, b"&a [*a]", b'"\\x1b[2J"', b"\xe2\x80\xa8", b"http://[::1", b"1e999", b"-0"),
)
_PERMISSION = b"""format: peakproof/permission/v1
environment: live
base_url: https://shop.example
plan_sha256: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
who: ops
why: the peak
granted_at: 2026-11-01T08:00:00Z
until: 2026-11-01T20:00:00Z
"""


def of_file(name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """Return the parser of bytes that `read` is of a file."""

    def parse(data: bytes) -> object:
        path = scratch() / name
        path.write_bytes(data)
        return read(path)

    return parse


def _sources(*names: str) -> tuple[bytes, ...]:
    return tuple((_ROOT / name).read_bytes() for name in names)


def _documents(name: str) -> tuple[bytes, ...]:
    """Return each document of a file that can be read by itself: what is short is read often."""
    return tuple(one for one in (_ROOT / name).read_bytes().split(b"\n---\n") if b"\nkind: SLO" in one)


def _of_yaml(name: str, read: Callable[[Path], object], *seeds: bytes) -> Parser:
    return Parser(
        name=name,
        parse=of_file(f"{name}.yaml", read),
        refuses=(BadInput,),
        seeds=seeds,
        tokens=_YAML,
        is_shown=True,
        most_bytes=8192,
    )


def _policy(path: Path) -> object:
    """Read a policy beside the waivers that the example names."""
    waivers = path.with_name("waivers.yaml")
    if not waivers.exists():
        waivers.write_bytes(*_sources("examples/policies/waivers.yaml"))
    return read_policy(path)


def _har(path: Path) -> object:
    return import_visit(read_har(path))


def _entry(method: str, path: str, status: int, kind: str, text: str, **more: object) -> dict[str, object]:
    headers = [{"name": "Cookie", "value": "sid=0123456789abcdef0123"}, {"name": "Accept", "value": "*/*"}]
    sent = (
        {"postData": {"mimeType": "application/json", "text": '{"sku": "a-1", "quantity": 2}'}}
        if method == "POST"
        else {}
    )
    reply_headers = [{"name": "Content-Type", "value": kind}, {"name": "Set-Cookie", "value": "sid=1; Path=/"}]
    return {
        "startedDateTime": "2026-11-27T19:00:00.000Z",
        "time": 12.5,
        "request": {
            "method": method,
            "url": f"https://shop.example{path}",
            "httpVersion": "HTTP/2",
            "headers": headers,
            "queryString": [],
            "cookies": [],
            "headersSize": -1,
            "bodySize": -1,
            **sent,
        },
        "response": {
            "status": status,
            "statusText": "",
            "httpVersion": "HTTP/2",
            "headers": reply_headers,
            "cookies": [],
            "content": {"size": len(text), "mimeType": kind, "text": text},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": {"send": 0, "wait": 12, "receive": 0.5},
        **more,
    }


_VISIT = json.dumps(
    {
        "log": {
            "version": "1.2",
            "creator": {"name": "WebInspector", "version": "537.36"},
            "entries": [
                _entry(
                    "GET", "/", 200, "text/html", '<a href="/p/a-1">x</a><form action="/cart" method="post"></form>'
                ),
                _entry(
                    "GET",
                    "/p/a-1",
                    200,
                    "text/html",
                    '<input name="token" value="abc123def456">',
                    _resourceType="document",
                ),
                _entry("POST", "/cart", 200, "application/json", '{"cart": "c-77", "total": 1990}'),
                _entry("POST", "/orders?cart=c-77", 201, "application/json", '{"order": "o-9", "total": 1990}'),
                _entry("GET", "/orders/o-9", 200, "application/json", '{"status": "paid"}'),
            ],
        }
    }
).encode()


def _query(data: bytes) -> object:
    """Read a query as objectives, dashboards and rules do."""
    text = data.decode("utf-8", "replace")
    read_query.__wrapped__(text)
    for read in (promql.sum_of, promql.ratio_of, promql.longest_range_s, promql.gauge_function, parse_selector):
        try:
            read(promql.one_line(text))
        except ValueError:
            continue
    return text


def _locustfile(data: bytes) -> object:
    """Read a locustfile's source as far as it is read before it runs."""
    try:
        tree = ast.parse(data.decode())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    modules = (Module(file=Path("locustfile.py"), name="locustfile.py", tree=tree),)
    return refusals_of(modules), routes_of(modules), spelled(modules)


_QUERIES = (
    b'sum(rate(http_requests_total{job="shop",code!~"5.."}[5m])) / sum(rate(http_requests_total{job="shop"}[5m]))',
    b"histogram_quantile(0.99, sum by (le, route) (rate(x_bucket[$__rate_interval] offset 5m))) > 0.5 or vector(0)",
    b"http_requests_total{job='shop', code=\"200\"}",
    b"label_replace(up{a=`b`}, 'x', '$1', 'y', '(.*)') @ 1609746000 unless on (a) b",
    b"(1 - sum(increase(bad_total[1h])) / clamp_min(sum(increase(all_total[1h])), 1)) * 100",
    b"avg_over_time(up[1d:5m])[2h:1m]",
)
_PROMQL = (
    *(
        b"sum(",
        b"rate(",
        b"[5m]",
        b"[0s]",
        b"offset -5m",
        b"@ start()",
        b"by (",
        b"without (",
        b"on (",
        b"group_left(",
        b"1e999",
    ),
    *(
        b"and",
        b"or",
        b"unless",
        b"bool",
        b"{__name__=~'.+'}",
        b"$__range",
        b"${x:regex}",
        b"0x",
        b"Inf",
        b"-" * 500,
        b"(" * 500,
    ),
)
_LOCUSTFILE = b"""from locust import HttpUser, task, between
import time, requests as r
class Shopper(HttpUser):
    wait_time = between(1, 2)
    min_wait = 3
    @task(3)
    def browse(self):
        self.client.get(f"/products/{self.sku}", name="/products/[id]")
        with self.client.post("/cart/%s" % self.cart, json={"a": 1}, catch_response=True) as reply:
            reply.success()
        time.sleep(1e9)
        self.environment.runner.quit()
        r.get("http://other")
"""
_PYTHON = (
    *(
        b"import ",
        b"from . import x",
        b"self.client.",
        b"f'{",
        b"}'",
        b"'%s' % ",
        b".format(",
        b"\n    ",
        b"class A(",
        b"@task",
        b"lambda: ",
    ),
    *(
        b"name=",
        b"1e999",
        b"10 ** 10",
        b"-1j",
        b"None",
        b"...",
        b"*a",
        b"**b",
        b"events.request.fire(",
        b"match x:\n  case ",
        b"(" * 100,
    ),
)
_HISTORY = b"hour,orders,sessions\n2024-11-01T07:00,48,400\n2024-11-01T08:00,654,5000\n2024-11-01T09:00,1939,\n"
_EVENTS_OF_EACH_KIND: tuple[dict[str, object], ...] = (
    {"event": "deployment", "deployed_to": "live", "version": "1", "succeeded": True},
    {"event": "incident_opened", "deployed_to": "live", "id": "i-1"},
    {"event": "rollback", "deployed_to": "live", "version": "0"},
    {"event": "incident_resolved", "id": "i-1"},
)
_EVENTS = b"".join(
    json.dumps({"format": "peakproof/release-event/v1", "at": f"2026-11-01T{hour:02}:00:00Z", **event}).encode() + b"\n"
    for hour, event in enumerate(_EVENTS_OF_EACH_KIND)
)
_BUSY_HOUR = {"at": "2025-11-28T19:00:00", "orders": 2400}
_FORECAST = json.dumps(
    {
        "format": "peakproof/forecast/v1",
        "source": "history.csv",
        "season": "11-01..12-31",
        "year": 2026,
        "last_season": 2025,
        "last_season_ends": "2025-12-31",
        "truncated": False,
        "peak": _BUSY_HOUR,
        "unseen": 1.1,
        "growth": {"ratio": 1.2, "low": 1.1, "high": 1.3, "weeks": 9, "recent_ratio": None},
        "low_orders_per_hour": 2600.0,
        "mid_orders_per_hour": 3000.0,
        "high_orders_per_hour": 3400.0,
        "method": "as last season",
        "orders_per_session": {"ratio": 0.03, "orders": 30, "sessions": 1000, "hours": 4},
        "busiest_day": "2026-11-27",
        "busiest_day_shape": [1.0] * 24,
        "larger_out_of_season": [_BUSY_HOUR],
        "larger_out_of_season_count": 1,
        "notes": ["a note"],
    }
).encode()

PARSERS = (
    Parser(
        name="yaml",
        refuses=(BadInput,),
        tokens=_YAML,
        is_shown=True,
        most_bytes=8192,
        parse=lambda data: parse_yaml_documents(data.decode("utf-8", "replace"), Path("a.yaml")),
        seeds=(b"a: &a [1, 2]\nb: {<<: {c: d}, e: *a}\n---\n- |\n  text\n- 'x'\n- \"\\u263a\"\n",),
        other_seeds=(b"? [a]\n: b\n",),
    ),
    _of_yaml(
        "targets",
        lambda path: read_yaml(path, Targets),
        *_sources("examples/shops/medusa/targets.yaml", "docker/load/targets.yaml"),
    ),
    _of_yaml("plan", read_plan, *_sources("examples/shops/medusa/plan.yaml", "tests/end_to_end/small.yaml")),
    _of_yaml(
        "objectives",
        lambda path: read_objectives([path]),
        *_sources("tests/contracts/objectives.yaml"),
        *_documents("slo/objectives/twisted-threads.yaml"),
    ),
    _of_yaml("policy", _policy, *_sources("examples/policies/policy.yaml")),
    _of_yaml("prices", read_prices, *_sources("examples/policies/prices.yaml")),
    _of_yaml("exporters", read_config, *_sources("examples/exporters/exporters.yaml")),
    _of_yaml("web-config", read_web_config, *_sources("examples/exporters/web-config.yml")),
    _of_yaml("permission", read_permission, _PERMISSION),
    Parser(
        name="history",
        parse=of_file("history.csv", read_history),
        refuses=(BadInput,),
        is_shown=True,
        seeds=(_HISTORY, b"hour,orders\r\n2024-11-01 07:00,48\r\n"),
        other_seeds=(b'"hour";"orders"\r\n2024-11-01 07:00;48\r\n',),
        tokens=(b"hour", b"orders", b"T24:00", b"2024-02-30", b"+25:00", b"Z", b'"'),
    ),
    Parser(
        name="forecast",
        parse=lambda data: Forecast.from_json(data.decode("utf-8", "replace")),
        refuses=(BadInput,),
        seeds=(_FORECAST,),
        is_shown=True,
    ),
    Parser(
        name="data-file",
        parse=of_file("accounts.csv", lambda path: read_table(path, ("user", "password"), "user")),
        refuses=(BadInput,),
        seeds=(b'user,password\na@b.example,x\n"c,d","y""z"\n',),
        tokens=(b'"', b",", b"\n", b'""'),
        is_shown=True,
    ),
    Parser(
        name="har",
        parse=of_file("visit.har", _har),
        refuses=(BadInput,),
        seeds=(_VISIT,),
        most_bytes=16384,
        is_shown=True,
    ),
    Parser(
        name="release-events",
        parse=of_file("events.jsonl", lambda path: read_events(path, 1.9e9)),
        refuses=(Unreadable,),
        seeds=(_EVENTS,),
        is_shown=True,
    ),
    Parser(name="promql", parse=_query, refuses=(), seeds=_QUERIES, tokens=_PROMQL),
    Parser(name="locustfile", parse=_locustfile, refuses=(), seeds=(_LOCUSTFILE,), tokens=_PYTHON),
)
