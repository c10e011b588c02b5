"""Checks of an environment of targets.yaml: whether the shop answers, its release, its metrics and its records."""

import time
from collections.abc import Callable, Iterator, Sequence
from email.utils import parsedate_to_datetime
from pathlib import Path

import requests

from loadtests.client.http2.probe import check_spoken
from loadtests.environment.data_files import read_data
from loadtests.environment.destinations import host_of
from loadtests.environment.firewalls import Firewall
from loadtests.environment.hosts import SHOP
from loadtests.environment.notice_targets import ALERT_LABEL
from loadtests.environment.pinned_http import BoundedReply, bounded_get, why_no_answer
from loadtests.environment.resolved_environment import ResolvedEnvironment
from loadtests.environment.storefront_targets import Locustfile
from loadtests.guardrails.alertmanager import Alertmanager
from loadtests.guardrails.kill_switch import says_stop
from loadtests.guardrails.preflight import REQUESTS, check_side_effects, host_fault, page_of, served
from loadtests.guardrails.release_watch import probe_release
from loadtests.storefronts import cleanup_of, storefront_of
from loadtests.storefronts.locustfile import LocustStorefront
from scripts.doctor.certificate import certificate
from scripts.doctor.lines import Line, missing, ok, wrong
from slo.documents import BadInput
from slo.formatting import clip
from slo.outcomes import EnvironmentLacks
from slo.verdict.fingerprint import described

_TIMEOUT_S = 5.0
_OK, _CLIENT_ERROR, _NOT_FOUND, _DENIED, _PROXY_DENIED = 200, 400, 404, (401, 403), 407
_CLOCKS_APART_S = 5.0
_CONVENTIONS = "opentelemetry.io/docs/specs/semconv/http/http-metrics"


def environment(name: str, resolved: ResolvedEnvironment, *, production: bool) -> Iterator[Line]:
    """Check everything that the environment declares, with one request each; its shop records aren't read."""
    kind = resolved.destinations.kind
    yield ok("environment", f"{name} at {resolved.environment.base_url}, {kind}{', production' if production else ''}")
    yield from _storefront(resolved)
    yield from _cleanup(resolved)
    yield from _proxy(resolved)
    yield from _data(resolved)
    with resolved.http() as http:
        reply = _home(resolved, http)
        yield reply if isinstance(reply, Line) else _reached(resolved, reply)
        if (line := certificate(resolved)) is not None:
            yield line
        yield from _hosts(resolved)
        if spoken := [label or SHOP for label in resolved.environment.loaded if resolved.environment.http2_to(label)]:
            yield _checked("HTTP/2", lambda: _agreed(resolved, spoken), "check what listens on that port")
        if isinstance(reply, BoundedReply) and (line := _clocks(reply)) is not None:
            yield line
        yield _release(resolved)
        yield _fingerprint(resolved)
        yield from _metrics(resolved, http)
    yield _side_effects(name, resolved)
    yield from _kill_url(resolved)
    yield from _alertmanager(name, resolved)


def _alertmanager(name: str, resolved: ResolvedEnvironment) -> Iterator[Line]:
    """Say whose alerts a run would silence, where an Alertmanager is declared."""
    url = resolved.environment.alertmanager_url
    if url is None:
        return
    with resolved.http() as http:
        one = Alertmanager(url=url, http=http, token=resolved.notice_tokens.get(url))

        def asked() -> str:
            one.silences()
            return f"a run silences alerts of {ALERT_LABEL}={resolved.environment.alerts_of(name)!r} at {url}"

        yield _checked("alerts", asked, "start it, correct alertmanager_url and its token, or leave it out")


def _storefront(resolved: ResolvedEnvironment) -> Iterator[Line]:
    """Load the storefront's file, if it is one of the user's, and say which journeys it has."""
    if isinstance(resolved.environment.storefront, str):
        return
    try:
        storefront = storefront_of(resolved.environment)
    except BadInput as error:
        page = "from-a-locustfile" if isinstance(resolved.environment.storefront, Locustfile) else "write-a-storefront"
        yield wrong("storefront", str(error), f"correct the file; docs/{page}.md")
        return
    names = [f"{name} (buys)" if name in storefront.buyers else name for name in storefront.journeys]
    file = Path(resolved.environment.storefront.file).name
    if isinstance(storefront, LocustStorefront):
        yield from _locustfile(storefront, file, names)
    elif storefront.buyers:
        yield ok("storefront", f"{file} has the journeys {', '.join(names)}")
    else:
        found = f"{file} has no journey that buys, only {', '.join(names)}"
        yield missing("storefront", found, "add one, marked @journey(buys=True); docs/write-a-storefront.md")


def _locustfile(storefront: LocustStorefront, file: str, names: Sequence[str]) -> Iterator[Line]:
    """Say which journeys a locustfile's users are, what belongs to it, and what to know of how it is played."""
    with_it = storefront.played.bundle.names[1:]
    files = f", and {len(with_it)} files with it: {clip(', '.join(with_it), 200)}" if with_it else ""
    found = f"{file} has the journeys {', '.join(names)}{files}"
    if storefront.buyers:
        yield ok("storefront", found)
    else:
        step = (
            "with peakproof.order(…) around the request that orders: the audit has rows then; docs/from-a-locustfile.md"
        )
        yield missing("storefront", f"{found}; none of them says what it orders", step)
    for note in storefront.notes:
        yield missing("locustfile", note, "docs/from-a-locustfile.md")


def _cleanup(resolved: ResolvedEnvironment) -> Iterator[Line]:
    """Load what removes what a run created, where the environment says how, and say which kinds that are."""
    own = resolved.environment.cleanup
    if own is None:
        return
    try:
        kinds = cleanup_of(resolved.environment).cleanups
    except BadInput as error:
        yield wrong("cleanup", str(error), "correct the file; docs/cleanup.md")
        return
    name = "the storefront" if own.file is None else Path(own.file).name
    if kinds:
        yield ok("cleanup", f"{name} removes {', '.join(f'each {kind}' for kind in kinds)}")
    else:
        found = f"{name} marks no method @cleanup: what a run creates can't be removed"
        yield missing("cleanup", found, 'mark one @cleanup("order"); docs/cleanup.md')


def _proxy(resolved: ResolvedEnvironment) -> Iterator[Line]:
    """Say what goes through the proxy and what that leaves unknown; whether it accepts us, the shop's line says."""
    proxy = resolved.environment.proxy
    if proxy is None:
        return
    straight = f", except to {', '.join(proxy.straight)}" if proxy.straight else ""
    yield ok("proxy", f"all requests go through {proxy.url}{straight}")
    unknown = sorted(host for host, found in resolved.destinations.hosts.items() if not found.addresses)
    if unknown:
        found = (
            f"only the proxy can look up {', '.join(unknown)}: whether that is production is known by its name alone"
        )
        yield ok("names", found)


def _data(resolved: ResolvedEnvironment) -> Iterator[Line]:
    """Read the files of accounts and test data that are declared."""
    if not resolved.environment.data_files():
        return
    try:
        tables = read_data(resolved.environment)
    except BadInput as error:
        yield wrong("test data", str(error), "correct the file; docs/your-own-shop.md says what it holds")
        return
    yield ok("test data", "rows: " + ", ".join(f"{name} {len(table):,}" for name, table in tables.items()))


def _home(resolved: ResolvedEnvironment, http: requests.Session) -> BoundedReply | Line:
    url = f"{resolved.environment.base_url}/"
    try:
        return bounded_get(http, url, _TIMEOUT_S)
    except requests.exceptions.ProxyError as error:
        step = "see its log: does it accept this machine (407: set proxy.basic_auth), and resolved the shop?"
        return wrong("proxy", f"{url} isn't reached through it: {why_no_answer(error)}", step)
    except requests.RequestException as error:
        step = "start it, or correct base_url; a firewall or a VPN may be in between"
        return wrong("shop", f"{url} doesn't answer: {why_no_answer(error)}", step)


def _reached(resolved: ResolvedEnvironment, reply: BoundedReply) -> Line:
    if reply.status == _PROXY_DENIED and resolved.environment.proxy is not None:
        return wrong("proxy", f"it refuses this machine: HTTP {reply.status}", "declare proxy.basic_auth")
    accepted = reply.status == _OK
    if Firewall(resolved.environment.blocked).has_answered(
        reply.status, reply.headers.items(), reply.body, accepted=accepted
    ):
        step = "have the firewall or rate limit allow this machine's address"
        return wrong("shop", f"a firewall answers in its place: HTTP {reply.status}", step)
    if reply.status in _DENIED:
        step = "declare basic_auth or headers, and set their variables"
        return wrong("shop", f"it refuses access: HTTP {reply.status}", step)
    is_headless = reply.status == _NOT_FOUND and not isinstance(resolved.environment.storefront, str)
    if reply.status >= _CLIENT_ERROR and not is_headless:
        return wrong("shop", f"it answers HTTP {reply.status}", "fix it, or correct base_url")
    if "location" in reply.headers:
        found = f"it redirects to {reply.headers['location']}, which is not followed"
        return wrong("shop", found, "set base_url to where shoppers end up")
    more = " to /: no page there, as with a headless API" if is_headless else ""
    return ok("shop", f"it answers HTTP {reply.status}{more}")


def _hosts(resolved: ResolvedEnvironment) -> Iterator[Line]:
    """Connect to each declared host; nothing is requested of it."""
    for label, host in resolved.environment.hosts.items():
        if (fault := host_fault(resolved, label)) is not None:
            found, _, step = fault.partition("; ")
            yield wrong(label, found, step)
            continue
        kind = resolved.destinations.at(host_of(host.url)).kind
        yield ok(label, f"{host.url} takes connections, {kind}{', production' if host.production else ''}")
        if (line := certificate(resolved, label)) is not None:
            yield line


def _agreed(resolved: ResolvedEnvironment, spoken: Sequence[str]) -> str:
    check_spoken(resolved)
    return "the shop speaks it" if spoken == [SHOP] else f"spoken by {', '.join(spoken)}"


def _clocks(reply: BoundedReply) -> Line | None:
    try:
        apart_s = parsedate_to_datetime(reply.headers["date"]).timestamp() - time.time()
    except (KeyError, ValueError, TypeError):
        return None
    if abs(apart_s) > _CLOCKS_APART_S:
        return wrong(
            "clocks",
            f"the shop's clock is {apart_s:+,.0f} s from this machine's",
            "synchronise both by NTP: their times are compared",
        )
    return ok("clocks", "the shop's clock agrees with this machine's")


def _fingerprint(resolved: ResolvedEnvironment) -> Line:
    """Say what the verdict's first line will say of the environment."""
    declared = resolved.environment
    facts = described(declared.fingerprint, declared.production_fingerprint)
    return ok("fingerprint", facts or "not declared: no verdict will say what this environment is; none needs it")


def _release(resolved: ResolvedEnvironment) -> Line:
    if resolved.environment.release_probe is None:
        return missing("release", "not declared", "add release_probe: {path: /healthz, field: version}")
    return _checked("release", lambda: f"{probe_release(resolved)}", "correct release_probe")


def _metrics(resolved: ResolvedEnvironment, http: requests.Session) -> Iterator[Line]:
    if not resolved.environment.metrics:
        yield missing("metrics", "not declared", f"add metrics: [{{job: shop, url: …}}]; {_CONVENTIONS}")
    for target in resolved.environment.metrics:
        try:
            counts = served(page_of(target.url, http))
        except EnvironmentLacks as error:
            yield wrong("metrics", str(error), "allow this machine to read it")
            continue
        if counts:
            yield ok("metrics", f"{target.url}: {sum(counts):,.0f} requests served so far")
        else:
            step = f"give it OpenTelemetry's http.server.request.duration: {_CONVENTIONS}"
            yield wrong("metrics", f"{target.url}: no {REQUESTS}", step)


def _side_effects(name: str, resolved: ResolvedEnvironment) -> Line:
    try:
        check_side_effects(name, resolved.environment, resolved.destinations)
    except EnvironmentLacks as error:
        found, _, step = str(error).partition("; ")
        return missing("side effects", found, step)
    declared = ", ".join(f"{effect} {how}" for effect, how in resolved.environment.side_effects.items())
    return ok("side effects", declared or "none: the shop is on this machine")


def _kill_url(resolved: ResolvedEnvironment) -> Iterator[Line]:
    url = resolved.environment.kill_url
    if url is None:
        return
    with resolved.http() as http:
        yield _checked(
            "kill URL", lambda: f"{url} says {'stop' if says_stop(url, http) else 'go on'}", "correct kill_url"
        )


def _checked(what: str, check: Callable[[], str], step: str) -> Line:
    try:
        return ok(what, check())
    except EnvironmentLacks as error:
        return wrong(what, str(error), step)
