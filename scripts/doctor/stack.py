"""Checks of the running stack of docker-compose.yml, from outside: `peakproof doctor --stack`.

They request what is published, the shop and Grafana, and through Grafana's data sources what lies behind it: health,
the provisioning, every dashboard by uid, every scrape, and one trace that is sent through the shop itself.
"""

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import requests

from dashboards.grafana import links
from dashboards.grafana.boards.table import BOARDS
from loadtests.environment.direct_http import DirectSession
from loadtests.environment.pinned_http import bounded_get

# The variables by which docker-compose.yml publishes both, and its defaults.
PORTS = {"GRAFANA_PORT": "3000", "PEAKPROOF_SHOP_PORT": "18080"}
PASSWORD_VARIABLE = "GRAFANA_ADMIN_PASSWORD"  # noqa: S105 - the variable's name
FOLDER = "Peakproof"
DATASOURCES = ("prometheus", "tempo", "alertmanager")
JOBS = ("shop", "payments", "loadgen", "stock", "orders", "spans", "prometheus", "alertmanager")
_ASK_S = 10.0
_MAX_BYTES = 16 << 20
_TRACE_S = 60.0
_LOOK_S = 2.0
_UNAUTHORIZED, _NOT_FOUND = 401, 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One check: whether it is good, what was seen, and what to change when it isn't."""

    name: str
    good: bool
    found: str
    change: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Where the stack is published, and how long a trace may take to be found."""

    grafana_url: str
    shop_url: str
    trace_s: float = _TRACE_S
    sleep: Callable[[float], None] = time.sleep


def published(environment: Mapping[str, str]) -> Stack:
    """Return the addresses at which the stack is published; an empty variable counts as unset, as in compose."""
    grafana, shop = (f"http://127.0.0.1:{environment.get(name) or default}" for name, default in PORTS.items())
    return Stack(grafana_url=grafana, shop_url=shop)


class _NoAnswer(Exception):  # noqa: N818 - it is what happened
    """A page that wasn't answered as expected; the message is for a person."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


def check_stack(environment: Mapping[str, str], stack: Stack | None = None) -> tuple[Checked, ...]:
    """Make every check in order; never raises: a check that can't be made is not good, and says why."""
    stack = stack or published(environment)
    with DirectSession() as grafana, DirectSession() as shop:
        grafana.auth = ("admin", environment.get(PASSWORD_VARIABLE, ""))
        return tuple(_checks(_Pages(grafana, shop, stack), stack))


class _Pages:
    """Grafana's API, and what its data sources pass on."""

    def __init__(self, grafana: requests.Session, shop: requests.Session, stack: Stack) -> None:
        self._grafana, self._shop, self._stack = grafana, shop, stack

    def grafana(self, path: str) -> Any:  # noqa: ANN401 - JSON
        return _get(self._grafana, self._stack.grafana_url + path)

    def behind(self, uid: str, path: str) -> Any:  # noqa: ANN401 - JSON
        return self.grafana(f"/api/datasources/proxy/uid/{uid}{path}")

    def shop(self, traceparent: str) -> None:
        _get(self._shop, f"{self._stack.shop_url}/search?q=shirt", {"traceparent": traceparent})


def _get(http: requests.Session, url: str, headers: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 - JSON
    try:
        reply = bounded_get(http, url, _ASK_S, _MAX_BYTES, headers)
    except requests.RequestException as error:
        raise _NoAnswer(f"{url} doesn't answer: {type(error).__name__}") from error
    if reply.status >= HTTPStatus.MULTIPLE_CHOICES:
        raise _NoAnswer(f"{url} answers HTTP {reply.status}", reply.status)
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError) as error:
        raise _NoAnswer(f"{url} doesn't answer with JSON") from error


def _checks(pages: _Pages, stack: Stack) -> Iterator[Checked]:
    health = _health(pages)
    yield health
    if not health.good:
        return
    access = _access(pages)
    yield access
    if not access.good:
        return
    yield from (_datasource(pages, uid) for uid in DATASOURCES)
    yield _dashboards(pages)
    yield _scrapes(pages)
    yield _rules(pages)
    yield _trace(pages, stack)


def _health(pages: _Pages) -> Checked:
    try:
        answer = pages.grafana("/api/health")
    except _NoAnswer as error:
        change = "start it: docker compose --profile observe up -d --wait; its log: docker compose logs grafana"
        return Checked(name="grafana", good=False, found=str(error), change=change)
    version, database = _at(answer, "version"), _at(answer, "database")
    return Checked(
        name="grafana",
        good=database == "ok",
        found=f"version {version}, database {database}",
        change=None if database == "ok" else "its volume may be full or not writable: docker compose logs grafana",
    )


def _access(pages: _Pages) -> Checked:
    try:
        pages.grafana("/api/org")
    except _NoAnswer as error:
        change = None
        if error.status == _UNAUTHORIZED:
            change = (
                f"put the password that Grafana's volume was made with into {PASSWORD_VARIABLE} (set -a; . ./.env);"
                " a new one takes effect with: docker compose exec grafana grafana cli admin reset-admin-password NEW"
            )
        return Checked(name="access", good=False, found=str(error), change=change)
    return Checked(name="access", good=True, found="the administrator's password is accepted")


def _datasource(pages: _Pages, uid: str) -> Checked:
    name = f"data source {uid}"
    try:
        answer = pages.grafana(f"/api/datasources/uid/{uid}/health")
    except _NoAnswer as error:
        change = f"is it up? docker compose ps {uid}; docker compose logs {uid}"
        if error.status == _NOT_FOUND:
            change = "not provisioned: is docker/grafana/provisioning mounted? docker compose logs grafana"
        return Checked(name=name, good=False, found=str(error), change=change)
    good = _at(answer, "status") == "OK"
    return Checked(
        name=name, good=good, found=str(_at(answer, "message")), change=None if good else f"docker compose logs {uid}"
    )


def _dashboards(pages: _Pages) -> Checked:
    """Return what is wrong with the first dashboard that isn't there as it was provisioned."""
    for name in BOARDS:
        wrong = _dashboard(pages, links.uid(name))
        if wrong is not None:
            return wrong
    return Checked(name="dashboards", good=True, found=f"{len(BOARDS)} provisioned in folder {FOLDER}")


def _dashboard(pages: _Pages, dashboard: str) -> Checked | None:
    try:
        answer = pages.grafana(f"/api/dashboards/uid/{dashboard}")
    except _NoAnswer as error:
        change = "is dashboards/generated mounted? docker compose logs grafana names the file it refuses"
        return Checked(name="dashboards", good=False, found=str(error), change=change)
    folder, provisioned = _at(answer, "meta", "folderTitle"), _at(answer, "meta", "provisioned")
    if folder == FOLDER and provisioned is True:
        return None
    return Checked(
        name="dashboards",
        good=False,
        found=f"{_at(answer, 'dashboard', 'title')} in folder {folder}, provisioned: {provisioned}",
        change=f"a copy made by hand hides it: delete the dashboard {dashboard} and wait 30 s",
    )


def _scrapes(pages: _Pages) -> Checked:
    try:
        answer = pages.behind("prometheus", "/api/v1/query?query=up")
    except _NoAnswer as error:
        return Checked(name="scrapes", good=False, found=str(error), change="docker compose logs prometheus")
    up: dict[str, list[str]] = {}
    for series in _list(answer, "data", "result"):
        value = _list(series, "value")
        up.setdefault(str(_at(series, "metric", "job")), []).append(str(value[1]) if len(value) > 1 else "0")
    down = [job for job in JOBS if not up.get(job) or set(up[job]) != {"1"}]
    return Checked(
        name="scrapes",
        good=not down,
        found=f"up: {', '.join(job for job in JOBS if job not in down)}"
        + (f"; down: {', '.join(down)}" if down else ""),
        change="are their profiles up? shop, load and observe; docker compose ps" if down else None,
    )


def _rules(pages: _Pages) -> Checked:
    try:
        groups = _list(pages.behind("prometheus", "/api/v1/rules"), "data", "groups")
    except _NoAnswer as error:
        return Checked(name="rules", good=False, found=str(error), change="docker compose logs prometheus")
    rules = [rule for group in groups for rule in _list(group, "rules")]
    bad = [str(_at(rule, "name")) for rule in rules if _at(rule, "health") != "ok"]
    good = bool(rules) and not bad
    found = f"{len(rules)} rules" + (f"; not evaluated: {', '.join(bad)}" if bad else "")
    return Checked(
        name="rules", good=good, found=found, change=None if good else "promtool check config docker/prometheus"
    )


def _trace(pages: _Pages, stack: Stack) -> Checked:
    """Send one request of our own through the shop and look for its trace in Tempo."""
    trace_id = secrets.token_hex(16)
    try:
        pages.shop(f"00-{trace_id}-{secrets.token_hex(8)}-01")
    except _NoAnswer as error:
        return Checked(name="trace", good=False, found=str(error), change="docker compose --profile shop up -d --wait")
    left_s, why = stack.trace_s, ""
    while left_s > 0:
        try:
            pages.behind("tempo", f"/api/traces/{trace_id}")
        except _NoAnswer as error:
            why = str(error)
        else:
            return Checked(name="trace", good=True, found=f"{trace_id} went through the shop and is in Tempo")
        stack.sleep(_LOOK_S)
        left_s -= _LOOK_S
    change = "docker compose logs collector tempo: does the Collector take spans, and does Tempo take them from it?"
    return Checked(name="trace", good=False, found=f"{trace_id} isn't found: {why}", change=change)


def _at(value: Any, *names: str) -> Any:  # noqa: ANN401 - JSON of somebody else's
    """Return the value at a path of keys, None when a key is missing or a value on the way isn't an object."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _list(value: Any, *names: str) -> list[Any]:  # noqa: ANN401 - the same
    """Return the list at a path of keys, an empty one when it is anything else."""
    found = _at(value, *names)
    return found if isinstance(found, list) else []
