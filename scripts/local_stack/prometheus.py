"""Prometheus as a child process of a run: how it is started, and its HTTP API."""

import json
import math
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests
import yaml

from loadtests.environment.direct_http import ELSEWHERE, DirectSession, is_elsewhere
from loadtests.environment.pinned_http import bounded_request
from loadtests.runtime import guarded_child
from loadtests.runtime.guarded_child import python
from scripts.local_stack.ports import HOST
from scripts.local_stack.processes import Child, Children, wait_until
from scripts.local_stack.prometheus_config import RULES, Scrape, Watched, configuration
from slo.outcomes import EnvironmentLacks

SCRAPE_INTERVAL_S = 1
_SLOW = {"stock": 5}  # a page of every SKU at every location: a second is too often
_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
_READY_S = 30.0
_TARGETS_S = 30.0
_QUERY_S = 30.0
_MOST_BYTES = 256 << 20  # some five million samples
_OK = 200
_UNIT_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
_MALFORMED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
"""What reading an answer of another shape than the API's raises."""
_GUARD = Path(str(guarded_child.__file__))


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series of a query's result: labels with `__name__`, sample times in ns, values."""

    labels: Mapping[str, str]
    at: tuple[int, ...]
    value: tuple[float, ...]


MOST_SERIES = 50
"""How many series of an answer are kept for a page."""


def topmost(found: Sequence[Series]) -> Sequence[Series]:
    """Return the series with the highest values, at most `MOST_SERIES`, as they came where they are no more."""
    return found if len(found) <= MOST_SERIES else sorted(found, key=_highest, reverse=True)[:MOST_SERIES]


def _highest(one: Series) -> float:
    return max((value for value in one.value if not math.isnan(value)), default=-math.inf)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """A target that is scraped, as the API names it."""

    job: str
    url: str
    scrape_interval: str
    health: str
    last_error: str

    @classmethod
    def of(cls, one: Mapping[str, Any]) -> "_Target":
        return cls(
            job=str(one["labels"]["job"]),
            url=str(one.get("scrapeUrl", "")),
            scrape_interval=str(one.get("scrapeInterval", "")),
            health=str(one["health"]),
            last_error=str(one["lastError"]),
        )


class Prometheus:
    """A running Prometheus and its HTTP API; every method raises EnvironmentLacks when it doesn't answer.

    An external Prometheus has no `child`, and may scrape more than the `jobs` that a run needs.
    """

    def __init__(self, url: str, child: Child | None, jobs: frozenset[str] = frozenset()) -> None:
        self.url, self._jobs = url, jobs
        self.watched = () if child is None else (child,)
        self._threads = threading.local()  # requests promises nothing of a session that threads share

    @property
    def _http(self) -> requests.Session:
        """The session of this thread."""
        if not hasattr(self._threads, "http"):
            self._threads.http = DirectSession()
        session: requests.Session = self._threads.http
        return session

    def scrape_interval_s(self) -> int:
        """Return how often the run's jobs, or all, are scraped: the longest of their intervals, slow pages aside."""
        if self.watched:
            return SCRAPE_INTERVAL_S
        active = [one for one in self._targets() if one.job not in _SLOW and (not self._jobs or one.job in self._jobs)]
        return max((_whole_seconds(one.scrape_interval) for one in active), default=SCRAPE_INTERVAL_S)

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            return self._http.get(f"{self.url}/-/ready", timeout=1).status_code == _OK
        except requests.RequestException:
            return False

    def down(self) -> dict[str, str]:
        """Return every target of the run's jobs that isn't up: `{job instance: error}`.

        A target with a long interval isn't down before its first scrape, which comes seconds after the others'.
        """
        targets = [target for target in self._targets() if not self._jobs or target.job in self._jobs]
        missing = self._jobs - {target.job for target in targets}
        return {f"job {job}": "it has no target of that job" for job in sorted(missing)} | {
            f"{target.job} {target.url}": target.last_error or "not scraped yet"
            for target in targets
            if target.health != "up" and not self._awaits_first_scrape(target)
        }

    def _targets(self) -> list[_Target]:
        data = self._get("/api/v1/targets", {"state": "active"})
        try:
            return [_Target.of(one) for one in data["activeTargets"]]
        except _MALFORMED as error:
            raise EnvironmentLacks(f"Prometheus at {self.url} names no targets that can be read") from error

    def _awaits_first_scrape(self, target: _Target) -> bool:
        return bool(self.watched) and target.job in _SLOW and target.health == "unknown"

    def raw(self, selector: str, start: int, end: int) -> tuple[Series, ...]:
        """Return the stored samples of a selector between `start` and `end` (ns)."""
        seconds = math.ceil((end - start) / 1e9)
        data = self._get("/api/v1/query", {"query": f"{selector}[{seconds}s]", "time": f"{end / 1e9:.3f}"})
        return self._found(selector, data)

    def range(
        self, query: str, start: int, end: int, step_s: float = 1.0, within_s: float = _QUERY_S
    ) -> tuple[Series, ...]:
        """Return the values of `query` at each step between `start` and `end` (ns)."""
        parameters = {"query": query, "start": f"{start / 1e9:.3f}", "end": f"{end / 1e9:.3f}", "step": str(step_s)}
        return self._found(query, self._get("/api/v1/query_range", parameters, within_s))

    def instant(self, query: str, at: int, within_s: float = _QUERY_S) -> tuple[Series, ...]:
        """Return the values of `query` at one moment (ns)."""
        data = self._get("/api/v1/query", {"query": query, "time": f"{at / 1e9:.3f}"}, within_s)
        if data.get("resultType") == "scalar":
            data = {"result": [{"metric": {}, "value": data.get("result")}]}
        return self._found(query, data)

    def _found(self, query: str, data: Mapping[str, Any]) -> tuple[Series, ...]:
        try:
            return tuple(_series(one) for one in data["result"])
        except _MALFORMED as error:
            raise EnvironmentLacks(
                f"Prometheus at {self.url} answers {query} with no series that can be read"
            ) from error

    def rules(self) -> list[dict[str, Any]]:
        """Return the groups of rules as they were last evaluated."""
        groups = self._get("/api/v1/rules", {}).get("groups")
        if not isinstance(groups, list) or not all(isinstance(one, dict) for one in groups):
            raise EnvironmentLacks(f"Prometheus at {self.url} names no groups of rules that can be read")
        return groups

    def _get(self, path: str, parameters: Mapping[str, str], within_s: float = _QUERY_S) -> dict[str, Any]:
        method, query, form = (
            ("POST", "", parameters) if "query" in parameters else ("GET", urlencode(parameters), None)
        )
        url = f"{self.url}{path}?{query}" if query else f"{self.url}{path}"
        try:
            reply = bounded_request(self._http, method, url, within_s, form=form, max_bytes=_MOST_BYTES)
            if is_elsewhere(reply.status):
                raise EnvironmentLacks(f"Prometheus at {self.url} answers {ELSEWHERE} (HTTP {reply.status})")
            if not reply.whole:
                raise EnvironmentLacks(f"Prometheus at {self.url} answers with over {_MOST_BYTES >> 20} MiB")
            answer = json.loads(reply.body)
        except (requests.RequestException, ValueError, RecursionError) as error:
            raise EnvironmentLacks(f"Prometheus at {self.url} doesn't answer: {type(error).__name__}") from error
        if (
            not isinstance(answer, dict)
            or answer.get("status") != "success"
            or not isinstance(answer.get("data"), dict)
        ):
            why = answer.get("error") if isinstance(answer, dict) else None
            raise EnvironmentLacks(f"Prometheus refuses {parameters.get('query', path)}: {why}")
        data: dict[str, Any] = answer["data"]
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A Prometheus to start: its binary, its port, and the environment that a few variables are taken from."""

    path: Path
    port: int
    environment: Mapping[str, str]


def start_prometheus(
    children: Children,
    program: Program,
    folder: Path,
    private: Path,
    scrapes: Sequence[Scrape],
    watched: Watched | None = None,
) -> Prometheus:
    """Start `program` on loopback with its data below `folder`, scraping `scrapes`, and wait until it is ready.

    Its configuration, which holds credentials, is written to `private`, and a copy without them to `folder`; the rules
    of `watched` to both.
    """
    folder.mkdir(parents=True, exist_ok=True)
    own = Scrape(job="prometheus", url=f"http://{HOST}:{program.port}/metrics", address=HOST)
    bare = [scrape.bare for scrape in scrapes]
    config = private / "prometheus.yml"
    for path, read in ((config, scrapes), (folder / "prometheus.yml", bare)):
        made = configuration([*read, own], _SLOW, SCRAPE_INTERVAL_S, watched)
        path.write_text(yaml.safe_dump(made, sort_keys=False))
        _write_rules(path.parent / RULES, {} if watched is None else watched.rules)
    command = [
        str(program.path),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=30d",
        f"--web.listen-address={HOST}:{program.port}",
        "--enable-feature=exemplar-storage",
        "--log.level=warn",
    ]
    clean = {name: program.environment[name] for name in _KEPT if name in program.environment}
    child = children.start("prometheus", python(str(_GUARD), *command), environment=clean)
    # It is ready some seconds before it knows its targets; the jobs tell an empty list from a complete one.
    jobs = frozenset(scrape.job for scrape in [*scrapes, own])
    prometheus = Prometheus(f"http://{HOST}:{program.port}", child, jobs)
    wait_until(prometheus.is_ready, [child], _READY_S, "Prometheus")
    return prometheus


def _write_rules(folder: Path, rules: Mapping[str, str]) -> None:
    if rules:
        folder.mkdir(exist_ok=True)
    for name, text in rules.items():
        (folder / name).write_text(text)


def wait_for_targets(prometheus: Prometheus) -> None:
    """Wait until every target was scraped; raises EnvironmentLacks naming those that weren't."""
    try:
        wait_until(lambda: not prometheus.down(), prometheus.watched, _TARGETS_S, "the metrics to scrape")
    except EnvironmentLacks as error:
        down = "; ".join(f"{target}: {why}" for target, why in prometheus.down().items())
        raise EnvironmentLacks(f"Prometheus can't scrape {down}") from error


def _whole_seconds(duration: str) -> int:
    """Return a duration as Prometheus writes it, such as 1m30s or 500ms, in seconds, rounded up and at least 1."""
    parts = re.findall(r"(\d+)(ms|[smh])", duration)
    return max(SCRAPE_INTERVAL_S, math.ceil(sum(int(number) * _UNIT_S[unit] for number, unit in parts)))


def _series(one: Mapping[str, Any]) -> Series:
    samples = one.get("values") or [one["value"]]
    return Series(
        labels=one["metric"],
        at=tuple(round(float(at) * 1e9) for at, _ in samples),
        value=tuple(float(value) for _, value in samples),
    )
