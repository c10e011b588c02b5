"""Request indicators by name count what the exporters' own metrics say, in Prometheus' own evaluation."""

import subprocess
from pathlib import Path

import pytest
import yaml

from slo.documents import BadInput
from slo.objectives.http_metrics import HTTP_METRICS, http_indicator
from slo.objectives.reading import read_objectives
from slo.objectives.selectors import Selector
from slo.objectives.sources import Counters
from tests.promtool import NEEDED, PROMTOOL

EXPOSITIONS = Path(__file__).parent / "expositions"
# What selects the shop in each exposition, and its good and all requests, with a limit and without.
SHOP = {
    "opentelemetry": ({"job": "shop"}, (900, 940), (800, 940)),
    "opentelemetry-spans": ({"service_name": "shop"}, (900, 940), (800, 940)),
    "ingress-nginx": ({"ingress": "shop", "namespace": "web"}, (960, 1000), (800, 940)),
    "traefik": ({"service": "shop@docker"}, (960, 1000), (800, 940)),
    "envoy": ({"envoy_cluster_name": "shop"}, (960, 1000), (800, 940)),
    "istio": ({"destination_service_name": "shop"}, (960, 1000), (800, 940)),
}


def counters(name: str, within_s: float | None) -> Counters:
    source = http_indicator(name, SHOP[name][0], within_s).source
    assert isinstance(source, Counters)
    return source


def test_every_known_exporter_has_an_exposition_here() -> None:
    assert set(SHOP) == set(HTTP_METRICS) == {path.stem for path in EXPOSITIONS.glob("*.txt")}


@NEEDED
@pytest.mark.parametrize("name", SHOP)
def test_the_indicator_counts_the_shop_s_requests_and_no_others(name: str, tmp_path: Path) -> None:
    availability, latency = counters(name, None), counters(name, 0.25)
    _, of_availability, of_latency = SHOP[name]
    wanted: dict[str, float] = {}
    for source, (good, total) in ((availability, of_availability), (latency, of_latency)):
        wanted |= {source.good.text: good, source.total.text: total}
    assert evaluated(name, wanted, tmp_path) == "SUCCESS"


@NEEDED
def test_a_wrong_count_is_noticed(tmp_path: Path) -> None:
    assert evaluated("envoy", {counters("envoy", None).good.text: 961.0}, tmp_path) != "SUCCESS"


def evaluated(name: str, wanted: dict[str, float], folder: Path) -> str:
    """Let promtool evaluate the sum of each selector over the exposition; returns the last word of its output."""
    lines = [line for line in (EXPOSITIONS / f"{name}.txt").read_text().splitlines() if not line.startswith("#")]
    series = [{"series": line.rpartition(" ")[0], "values": line.rpartition(" ")[2]} for line in lines]
    tests = [
        {"expr": f"sum({text})", "eval_time": "0s", "exp_samples": [{"labels": "{}", "value": value}]}
        for text, value in wanted.items()
    ]
    path = folder / "test.yaml"
    path.write_text(yaml.safe_dump({"tests": [{"input_series": series, "promql_expr_test": tests}]}))
    done = subprocess.run([str(PROMTOOL), "test", "rules", str(path)], capture_output=True, text=True, check=False)
    return done.stdout.split()[-1] if done.returncode == 0 else done.stdout


@pytest.mark.parametrize(("name", "le"), [("traefik", 'le="0.25"'), ("istio", r'le=~"250(\\.0)?"')])
def test_the_bucket_of_a_limit_is_in_the_unit_of_its_histogram(name: str, le: str) -> None:
    assert le in counters(name, 0.25).good.text


def test_a_whole_bound_is_found_however_prometheus_writes_it() -> None:
    assert counters("istio", 0.25).good.text == (
        'istio_request_duration_milliseconds_bucket{reporter="destination",destination_service_name="shop",'
        'response_code!~"5..",le=~"250(\\\\.0)?"}'
    )


def test_a_matcher_of_one_s_own_takes_the_place_of_the_usual_one() -> None:
    source = http_indicator("istio", {"reporter": "source"}, None).source
    assert isinstance(source, Counters)
    assert source.total == Selector(
        text='istio_requests_total{reporter="source"}', metric="istio_requests_total", matchers=source.total.matchers
    )


DOCUMENT = """
apiVersion: openslo/v1
kind: SLO
metadata: {name: edge}
spec:
  service: shop
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.99}]
  indicator:
    metadata: {name: edge}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: prometheus, spec: GOOD}}
        total: {metricSource: {type: prometheus, spec: TOTAL}}
"""


def read(tmp_path: Path, good: str, total: str) -> object:
    path = tmp_path / "objectives.yaml"
    path.write_text(DOCUMENT.replace("GOOD", good).replace("TOTAL", total))
    return read_objectives([path])[0].indicator


def test_an_openslo_document_names_the_indicator(tmp_path: Path) -> None:
    good = "{indicator: ingress-nginx, match: {ingress: shop}, within_s: 0.25}"
    total = "{indicator: ingress-nginx, match: {ingress: shop}}"
    assert read(tmp_path, good, total) == http_indicator("ingress-nginx", {"ingress": "shop"}, 0.25)


@pytest.mark.parametrize(
    ("good", "total", "why"),
    [
        ("{indicator: haproxy}", "{indicator: haproxy}", "expected one of opentelemetry, opentelemetry-spans"),
        ("{indicator: envoy, query: a_total}", "{query: a_total}", "expected exactly one of query and indicator"),
        ("{}", "{query: a_total}", "expected exactly one of query and indicator"),
        ("{query: a_total, within_s: 1.0}", "{query: a_total}", "match and within_s belong to indicator"),
        ("{indicator: envoy}", "{indicator: istio}", "good and total must name the same indicator and match"),
        ("{query: a_total}", "{indicator: istio}", "good and total must name the same indicator and match"),
        ("{indicator: envoy}", "{indicator: envoy, within_s: 0.25}", "within_s belongs to good alone"),
    ],
)
def test_what_can_t_be_meant_is_refused(tmp_path: Path, good: str, total: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        read(tmp_path, good, total)
