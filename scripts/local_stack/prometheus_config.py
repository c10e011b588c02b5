"""Prometheus' configuration: pages to scrape, each at its checked address, over verified TLS, without redirects.

Prometheus resolves a name at each scrape, so a changed DNS answer would send it, and its credentials, elsewhere:
it is given the address. The name stays for TLS. It can't stay for the Host header, which is then the address: a page
that is served by name only needs an external Prometheus (PEAKPROOF_PROMETHEUS_URL). Through the environment's proxy
scrapes go likewise; a name that only the proxy resolves is passed to the proxy.
"""

import socket
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from loadtests.environment.credentials import Credentials, Secret
from loadtests.environment.destinations import host_of
from loadtests.environment.pinned_http import origin_of
from loadtests.environment.proxy import Proxy, at, user_info
from loadtests.environment.resolved_environment import ResolvedEnvironment
from loadtests.environment.targets import Environment, ScrapeTarget
from slo.documents import BadInput
from slo.rules.scope import ENVIRONMENT

RULES = "rules"
_PORTS = {"http": 80, "https": 443}
_REACH_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrape:
    """A page of metrics to scrape: `address` is its host's, and `authorization` its credentials, if any."""

    job: str
    url: str
    address: str
    ca: str | None = None
    certificate: tuple[str, str] | None = None
    authorization: Secret | None = field(default=None, repr=False)
    proxy: Proxy | None = None

    @property
    def endpoint(self) -> str:
        """The address and the port, as Prometheus expects them."""
        return at(self.address, port_of(self.url))

    @property
    def bare(self) -> "Scrape":
        """The same without credentials, for the copy that is kept."""
        proxy = None if self.proxy is None else replace(self.proxy, authorization=None)
        return replace(self, authorization=None, proxy=proxy)


def scrapes_of(resolved: ResolvedEnvironment) -> list[Scrape]:
    """Return the pages that an environment declares; its credentials go to the origin of `base_url` only."""
    return [_scrape_of(target, resolved) for target in resolved.environment.metrics]


def port_of(url: str) -> int:
    """Return the port of a URL, the scheme's default without one."""
    parts = urlsplit(url)
    return parts.port or _PORTS[parts.scheme]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """The environment that is watched, which every scraped series gets as a label, and its rules: text by file name."""

    environment: str
    rules: Mapping[str, str] = field(default_factory=dict)


def configuration(
    scrapes: Iterable[Scrape], interval_s: Mapping[str, float], default_s: float, watched: Watched | None = None
) -> dict[str, Any]:
    """Return prometheus.yml: one scrape config a page under a unique name; the label `job` is the page's.

    It holds credentials. Files of rules are below `rules/` beside it.
    """
    sections, seen = [], dict[str, int]()
    for scrape in scrapes:
        number = seen[scrape.job] = seen.get(scrape.job, 0) + 1
        name = scrape.job if number == 1 else f"{scrape.job}-{number}"
        section = _section(scrape, interval_s.get(scrape.job, default_s))
        sections.append({"job_name": name, **(section if watched is None else _labelled(section, watched))})
    ruled = watched is not None and bool(watched.rules)
    return {
        "global": {"scrape_interval": f"{default_s:g}s", "scrape_timeout": f"{default_s:g}s"},
        **({"rule_files": [f"{RULES}/*.yml"]} if ruled else {}),
        "scrape_configs": sections,
    }


def _labelled(section: dict[str, Any], watched: Watched) -> dict[str, Any]:
    """Return a scrape config whose series get the label `environment`; where a page sets one itself, its own stands.

    Objectives may select by the page's own label: Prometheus would rename it to `exported_environment`.
    """
    static = [
        {**one, "labels": {**one["labels"], ENVIRONMENT: watched.environment}} for one in section["static_configs"]
    ]
    renamed = f"exported_{ENVIRONMENT}"
    back = [
        {"source_labels": [renamed], "regex": "(.+)", "target_label": ENVIRONMENT},
        {"regex": renamed, "action": "labeldrop"},
    ]
    return {**section, "static_configs": static, "metric_relabel_configs": back}


def _scrape_of(target: ScrapeTarget, resolved: ResolvedEnvironment) -> Scrape:
    environment = resolved.environment
    own = origin_of(target.url) == origin_of(environment.base_url)
    pair = environment.client_certificate
    secure = target.url.startswith("https:")
    host = host_of(target.url)
    endpoints, proxy = resolved.endpoints(host), resolved.proxy_to(host)
    return Scrape(
        job=target.job,
        url=target.url,
        address=endpoints[0] if proxy is not None else _reachable(endpoints, port_of(target.url)),
        ca=_authorities(environment) if secure else None,
        certificate=(pair.certificate, pair.key) if pair is not None and own else None,
        authorization=_authorization(resolved.credentials) if own else None,
        proxy=proxy,
    )


def _authorities(environment: Environment) -> str | None:
    """Return the file of the CAs to trust, None for the system's."""
    if environment.ca is not None and Path(environment.ca).is_dir():
        raise BadInput(f"{environment.ca}: `ca` must be a file, not a folder, for Prometheus to scrape the metrics")
    return environment.ca


def _authorization(credentials: Credentials) -> Secret | None:
    """Return the Authorization header, the only header of an environment that Prometheus can send."""
    for name, held in credentials.revealed().items():
        if name.lower() == "authorization":
            return Secret(held)
    return None


def _reachable(addresses: tuple[str, ...], port: int) -> str:
    """Return the first address that accepts a connection, else the first: Prometheus tries only one."""
    for address in addresses:
        try:
            socket.create_connection((address, port), timeout=_REACH_S).close()
        except OSError:
            continue
        return address
    return addresses[0]


def _section(scrape: Scrape, interval_s: float) -> dict[str, Any]:
    parts = urlsplit(scrape.url)
    labels = {"job": scrape.job, "instance": at(parts.hostname or "", port_of(scrape.url))}
    return {
        "scheme": parts.scheme,
        "metrics_path": parts.path or "/metrics",
        **({"params": parse_qs(parts.query, keep_blank_values=True)} if parts.query else {}),
        "scrape_interval": f"{interval_s:g}s",
        "scrape_timeout": f"{interval_s:g}s",
        "follow_redirects": False,
        **({} if scrape.proxy is None else {"proxy_url": scrape.proxy.url(user_info(scrape.proxy.authorization))}),
        **_tls(scrape),
        **_credentials(scrape.authorization),
        "static_configs": [{"targets": [scrape.endpoint], "labels": labels}],
    }


def _tls(scrape: Scrape) -> dict[str, Any]:
    parts = urlsplit(scrape.url)
    if parts.scheme != "https":
        return {}
    settings = {"server_name": parts.hostname, **({"ca_file": scrape.ca} if scrape.ca else {})}
    if scrape.certificate is not None:
        settings |= {"cert_file": scrape.certificate[0], "key_file": scrape.certificate[1]}
    return {"tls_config": settings}


def _credentials(authorization: Secret | None) -> dict[str, Any]:
    if authorization is None:
        return {}
    scheme, _, credentials = authorization.reveal().partition(" ")
    if scheme.lower() != "basic":
        return {"authorization": {"type": scheme, "credentials": credentials}}
    user, _, password = b64decode(credentials).decode().partition(":")
    return {"basic_auth": {"username": user, "password": password}}
