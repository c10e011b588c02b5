"""Checks before the load: hosts are there, side effects declared, the release is right, nobody else loads the shop."""

import ssl
import time
from collections.abc import Callable, Sequence
from typing import get_args

import requests

from loadtests.environment.certificates import certificate_of, fault_of
from loadtests.environment.destinations import Destinations
from loadtests.environment.metrics_page import metric_families
from loadtests.environment.pinned_http import PinnedHttp, bounded_get, why_no_answer
from loadtests.environment.resolved_environment import ResolvedEnvironment, connect
from loadtests.environment.targets import Environment, SideEffect
from slo.outcomes import EnvironmentLacks

REQUESTS = "http_server_request_duration_seconds"
_COUNT = f"{REQUESTS}_count"
_APART_S = 1.0
_TIMEOUT_S = 5.0
_MAX_PAGE = 16 << 20
_OK = 200


def check_side_effects(name: str, environment: Environment, destinations: Destinations) -> None:
    """Raise EnvironmentLacks unless each side effect is declared; a shop on loopback has none."""
    missing = [effect for effect in get_args(SideEffect) if effect not in environment.side_effects]
    if missing and destinations.kind != "loopback":
        words = ", ".join(f'{effect}: "off"' for effect in missing)
        raise EnvironmentLacks(
            f"{name}: side_effects doesn't say what a test order does to {', '.join(missing)}; make sure, then add to"
            f" environments.{name} in the targets file: side_effects: {{{words}}}"
            ' ("off" with its quotes, sandbox or acknowledged)'
        )


def check_hosts(resolved: ResolvedEnvironment) -> None:
    """Raise EnvironmentLacks for a host that can't be connected to, or answers with another's certificate."""
    faults = [fault for label in resolved.environment.loaded if (fault := host_fault(resolved, label)) is not None]
    if faults:
        raise EnvironmentLacks("\n".join(faults))


def host_fault(resolved: ResolvedEnvironment, label: str | None) -> str | None:
    """Return why the host `label` can't be loaded, after one connection to it and no request; None when it can."""
    url = resolved.environment.loaded[label]
    place = f"{'base_url' if label is None else f'hosts.{label}'}: {url}"
    try:
        if url.startswith("https:"):
            certificate_of(resolved, label)
        else:
            connect(resolved, url).close()
    except OSError as error:
        step = "start it, or correct the address"
        if isinstance(error, ssl.SSLCertVerificationError):
            step = "correct the address, or replace the certificate, or name its CA in `ca`"
        return f"{place} {fault_of(resolved, label, error)}; {step}"
    return None


def check_release(found: str | None, expected: Sequence[str]) -> None:
    """Raise EnvironmentLacks when the shop is on a release that isn't to be tested."""
    if expected and found not in expected:
        release = "doesn't say its release" if found is None else f"is on release {found}"
        raise EnvironmentLacks(f"the shop {release}, expected {' or '.join(expected)}; deploy it first")


def check_idle(
    environment: Environment, http: PinnedHttp, sleep: Callable[[float], None] = time.sleep, apart_s: float = _APART_S
) -> None:
    """Raise EnvironmentLacks when others send more than `idle.max_requests_per_s`, or it can't be measured."""
    if environment.idle is None:
        return
    if not environment.metrics:
        raise EnvironmentLacks(
            "idle is measured from the shop's metrics, and none are declared; add metrics, or leave idle out"
        )
    started = time.monotonic()
    before = _served(environment, http)
    sleep(apart_s)
    served, took_s = _served(environment, http) - before, max(apart_s, time.monotonic() - started)
    if served < 0:
        raise EnvironmentLacks("the shop was restarted in this moment: its count of requests fell; try again")
    rate, most = served / took_s, environment.idle.max_requests_per_s
    if rate > most:
        raise EnvironmentLacks(
            f"the environment isn't idle: others send {rate:.1f} requests a second,"
            f" idle.max_requests_per_s is {most:g}; find out who, and wait for their end"
        )


def _served(environment: Environment, http: PinnedHttp) -> float:
    """Return how many requests were served until now, without our own to the metrics and the release probe."""
    own = {"/metrics", environment.release_probe.path if environment.release_probe else "/healthz"}
    pages = [page_of(target.url, http) for target in environment.metrics]
    counts = [count for page in pages for count in served(page, own)]
    if not counts:
        urls = ", ".join(target.url for target in environment.metrics)
        raise EnvironmentLacks(f"can't tell whether the environment is idle: no {_COUNT} at {urls}")
    return sum(counts)


def served(page: str, own: frozenset[str] | set[str] = frozenset()) -> list[float]:
    """Return the counts of requests on a page of metrics, by series; routes in `own` count 0. Raises ValueError."""
    return [
        0.0 if sample.labels.get("http_route") in own else sample.value
        for family in metric_families(page)
        if family.name == REQUESTS
        for sample in family.samples
        if sample.name == _COUNT
    ]


def page_of(url: str, http: requests.Session) -> str:
    """Return a page of metrics in its text form; raises EnvironmentLacks."""
    try:
        reply = bounded_get(http, url, _TIMEOUT_S, _MAX_PAGE, {"Accept": "text/plain"})
        if reply.status != _OK or not reply.whole:
            raise EnvironmentLacks(f"the metrics at {url} don't answer: HTTP {reply.status}")
        page = reply.body.decode()
        served(page)
    except requests.RequestException as error:
        raise EnvironmentLacks(f"the metrics at {url} don't answer: {why_no_answer(error)}") from error
    except ValueError as error:
        raise EnvironmentLacks(f"the metrics at {url} can't be read: not Prometheus' text") from error
    return page
