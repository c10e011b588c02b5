"""What is exposed, as the lints of objectives ask: by a Prometheus over its API, or by a file of a scrape."""

import json
import re
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode

import requests

from loadtests.environment.direct_http import ELSEWHERE, DirectSession, is_elsewhere
from loadtests.environment.metrics_page import metric_families
from loadtests.environment.pinned_http import bounded_get
from slo.documents import BadInput, read_text
from slo.objectives.selectors import Matcher, parse_selector
from slo.outcomes import EnvironmentLacks
from slo.rules.lint import Exposed
from slo.rules.promql import matches
from slo.rules.scope import ENVIRONMENT

_TIMEOUT_S = 10
_SET_BY_SCRAPE = ("job", "instance", ENVIRONMENT)
_MAX_BYTES = 64 << 20


def of_prometheus(url: str) -> Exposed:
    """Return what a Prometheus holds now; asking it raises EnvironmentLacks when it can't be asked."""
    http = DirectSession()
    url = url.rstrip("/")
    if not re.match(r"https?://", url):
        raise BadInput(f"--prometheus: expected an address such as http://127.0.0.1:9090, found {url}")

    def count(selector: str) -> int:
        try:
            query = urlencode({"query": f"count({selector})"})
            answer = bounded_get(http, f"{url}/api/v1/query?{query}", _TIMEOUT_S)
            if is_elsewhere(answer.status):
                raise EnvironmentLacks(f"{url}: Prometheus answers {ELSEWHERE} (HTTP {answer.status})")
            if answer.status != HTTPStatus.OK:
                raise EnvironmentLacks(f"{url}: Prometheus can't be asked: HTTP {answer.status}")
            result = json.loads(answer.body)["data"]["result"]
            return int(result[0]["value"][1]) if result else 0
        except (requests.RequestException, KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
            raise EnvironmentLacks(f"{url}: Prometheus can't be asked: {type(error).__name__}") from error

    return Exposed(where=url, count=count)


def of_file(path: Path) -> Exposed:
    """Return what a scrape's text holds, whatever the labels that Prometheus sets itself; raises BadInput."""
    try:
        families = metric_families(read_text(path, _MAX_BYTES))
    except ValueError as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"{path}: not Prometheus' text format: {error}") from error
    samples = [(sample.name, sample.labels) for family in families for sample in family.samples]

    def count(selector: str) -> int:
        wanted = parse_selector(selector)
        matchers = [one for one in wanted.matchers if one.label not in _SET_BY_SCRAPE]
        return sum(name == wanted.metric and _selected(labels, matchers) for name, labels in samples)

    return Exposed(where=str(path), count=count)


def _selected(labels: dict[str, str], matchers: Iterable[Matcher]) -> bool:
    return all(_allows(one, labels.get(one.label, "")) for one in matchers)


def _allows(one: Matcher, value: str) -> bool:
    if one.label == "le" and one.op == "=" and value:
        return float(one.value) == float(value)
    if one.op in ("=", "!="):
        return (one.value == value) == (one.op == "=")
    return matches(one.value, value) == (one.op == "=~")
