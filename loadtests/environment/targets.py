"""The environments that may be loaded: `targets.yaml`, format peakproof/targets/v1 (docs/contracts.md)."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from loadtests.environment.cleanup_target import CleanupTarget
from loadtests.environment.data_targets import DataTargets
from loadtests.environment.fingerprint import EnvironmentFact, check_comparable
from loadtests.environment.hosts import MAX_HOSTS, Host, Protection, anchored_pair, at, check_apart
from loadtests.environment.notice_targets import NoticeTargets
from loadtests.environment.own_code import OwnFile
from loadtests.environment.record_targets import KINDS, PENDING_WINDOW_S, RecordSource, ShopRecordsTarget
from loadtests.environment.storefront_targets import StorefrontSource
from loadtests.environment.target_fields import (
    CREDENTIALS,
    OWN_HEADERS,
    QUERY,
    AddressText,
    BaseAddress,
    BasicAuth,
    File,
    HeaderName,
    HostName,
    HttpVersion,
    Label,
    Mark,
    NetworkText,
    ProxyAddress,
    Status,
    Variable,
    WebAddress,
)
from loadtests.environment.variants import Variant, check_variants
from slo.documents import BadInput, Document, read_yaml

_HIDDEN = re.compile(
    r"^environments\.[^.]+(\.cleanup)?(\.hosts\.[^.]+)?"
    r"(\.(headers|basic_auth|proxy|token_env|token_file|alertmanager_token|grafana_token|client_certificate|ca)\b"
    r"|\.(storefront|shop_records|cleanup)\.settings\b"
    r"|\.shop_records\.[a-z]+\.(sql\.url|http\.(bearer|basic_auth|headers))\b"
    r"|\.accounts: |: )"
)
SideEffect = Literal["mail", "tax", "erp", "analytics", "payments"]


class Ceiling(Document):
    """The most load that may be sent to the environment."""

    requests_per_s: float = Field(gt=0, le=100_000)
    open_sessions: int = Field(ge=1, le=1_000_000)
    orders: int = Field(ge=0, le=10_000_000)


class ReleaseProbe(Document):
    """Where the shop says which release it is: a path and a field of its JSON reply."""

    path: str = Field(pattern=r"^/")
    field: str = Field(min_length=1)


class ScrapeTarget(Document):
    """A /metrics of the shop's for Prometheus to read."""

    job: Label
    url: WebAddress


class ProxyTarget(Document):
    """The proxy that all of the environment's hosts are reached through, but those that are reached `straight`.

    With `resolves_names` the proxy resolves names, and the addresses they lead to aren't known here.
    """

    url: ProxyAddress
    basic_auth: BasicAuth | None = None
    straight: tuple[HostName, ...] = ()
    resolves_names: bool = False


class Tagging(Document):
    """How a request says, end to end, that it is a test's: a header, and W3C baggage for what lies behind the shop."""

    header: HeaderName = "X-Peakproof-Run"
    baggage: bool = False


class Blocked(Document):
    """How a firewall's reply is distinguished from the shop's own error; what is set here replaces the default.

    A reply is blocked when its status is one of `statuses` and not what the step accepts, when a header holds a mark
    (one of `denied_header_contains` on a 403 alone), or when the head of the body of an unaccepted 202, 403, 405 or 503
    holds one; the word captcha is no mark of a 503. Case doesn't matter.
    """

    # 430: Shopify, https://shopify.dev/docs/api/usage/response-codes
    statuses: tuple[Status, ...] = (429, 430)
    # Cloudflare: https://developers.cloudflare.com/cloudflare-challenges/challenge-types/challenge-pages/detect-response/
    # AWS WAF: https://docs.aws.amazon.com/waf/latest/developerguide/waf-captcha-and-challenge-actions.html
    header_contains: Mapping[HeaderName, str] = Field(
        default_factory=lambda: {"cf-mitigated": "challenge", "x-amzn-waf-action": ""}
    )
    # Akamai's edge names itself when it refuses by itself; what comes from the shop bears the shop's own name:
    # https://techdocs.akamai.com/property-mgr/docs/denied-access
    denied_header_contains: Mapping[HeaderName, str] = Field(default_factory=lambda: {"server": "AkamaiGHost"})
    # The bare "challenge-platform" won't do: Cloudflare writes it into a shop's own pages too, errors included.
    body_contains: tuple[Mark, ...] = (
        "captcha",
        "challenge-platform/h/",
        "_cf_chl_opt",
        "Attention Required! | Cloudflare",
        "Incapsula incident ID",
    )


class Idle(Document):
    """How much traffic of others is allowed before a run."""

    max_requests_per_s: float = Field(ge=0, allow_inf_nan=False)


class Cache(Document):
    """What answers in the servers' place: their counters need not count every request of `steps`."""

    steps: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=120)], ...], Field(min_length=1)]


class AllowedNetwork(Document):
    """The networks that the environment's hosts may resolve to, in CIDR notation."""

    allow: tuple[NetworkText, ...]


class Environment(Protection, DataTargets, NoticeTargets):
    """One named target: what may be sent to it, and what it offers for judging.

    What isn't declared is left out of the verdict and named there. No field holds a secret: only the names of
    variables and the paths of files that do. TLS is always verified. `headers`, `basic_auth` and `client_certificate`
    are what the host of `base_url` wants to see; the `hosts` beside it have their own.
    """

    RENAMED = MappingProxyType(
        {
            "cdn_url": "hosts: {cdn: {url: …}}",
            **{f"{kind}_url": f"shop_records: {{{kind}: {{http: {{url: …}}}}}}" for kind in KINDS},
        }
    )

    base_url: BaseAddress
    storefront: StorefrontSource
    ceiling: Ceiling
    production: bool = False
    shares_addresses_with: tuple[Label, ...] = ()
    side_effects: Mapping[SideEffect, Literal["off", "sandbox", "acknowledged"]] = Field(default_factory=dict)
    release_probe: ReleaseProbe | None = None
    metrics: tuple[ScrapeTarget, ...] = ()
    traces: bool = False
    shop_records: ShopRecordsTarget | None = None
    cleanup: CleanupTarget | None = None
    hosts: Mapping[Label, Host] = Field(default_factory=dict, max_length=MAX_HOSTS)
    http_version: HttpVersion = "1.1"
    token_env: Variable | None = None
    token_file: File | None = None
    proxy: ProxyTarget | None = None
    resolve: Mapping[HostName, AddressText] = Field(default_factory=dict)
    tag: Tagging = Tagging()
    blocked: Blocked = Blocked()
    kill_url: WebAddress | None = None
    kill_poll_s: float = Field(default=1.0, ge=0.1, le=60)
    idle: Idle | None = None
    network: AllowedNetwork | None = None
    cache: Cache | None = None
    variants: Mapping[Label, Variant] = Field(default_factory=dict, max_length=2)
    fingerprint: Mapping[str, EnvironmentFact] = Field(default_factory=dict)
    production_fingerprint: Mapping[str, EnvironmentFact] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        written = {self.tag.header.lower()} | ({"baggage"} if self.tag.baggage else set())
        if self.token_env is not None and self.token_file is not None:
            raise ValueError("token_env and token_file exclude each other")
        if clash := self.written_with(written):
            raise ValueError(f"headers holds {', '.join(clash)}, which tag writes")
        if self.tag.header.lower() in {*OWN_HEADERS, "authorization", "baggage", "cookie", "user-agent", "accept"}:
            raise ValueError(f"tag.header may not be {self.tag.header}: it has another meaning")
        if self.client_certificate is not None and self.base_url.startswith("http:"):
            raise ValueError("client_certificate needs a base_url that begins with https://")
        if self.network is not None and self.proxy is not None and self.proxy.resolves_names:
            raise ValueError("network.allow and proxy.resolves_names exclude each other: no address would be known")
        check_comparable(self.fingerprint, self.production_fingerprint)
        check_apart(self.base_url, self.hosts)
        self._check_cleanup()
        given = written | {name.lower() for name in self.headers}
        check_variants(self.variants, self.base_url, self.hosts, given)
        for label, host in self.hosts.items():
            if clash := host.written_with(written):
                raise ValueError(f"hosts.{label}.headers holds {', '.join(clash)}, which tag writes")
            if host.ceiling is not None and host.ceiling.requests_per_s > self.ceiling.requests_per_s:
                raise ValueError(
                    f"hosts.{label}.ceiling.requests_per_s must not be above the environment's own,"
                    f" {self.ceiling.requests_per_s:g}"
                )
        return self

    def _check_cleanup(self) -> None:
        if self.cleanup is None:
            return
        if twice := self.hosts.keys() & self.cleanup.hosts.keys():
            raise ValueError(f"cleanup.hosts holds {', '.join(sorted(twice))}, which hosts declares already")
        check_apart(self.base_url, {**self.hosts, **self.cleanup.hosts})

    def for_cleanup(self) -> "Environment":
        """Return the environment as a cleanup asks it: with its hosts, and without files of accounts and data."""
        without: dict[str, object] = {"accounts": None, "data": {}}
        if self.cleanup is not None:
            without |= {"hosts": {**self.hosts, **self.cleanup.hosts}}
            without |= {"cleanup": self.cleanup.model_copy(update={"hosts": {}})}
        return self.model_copy(update=without)

    @property
    def records_declared(self) -> Mapping[str, RecordSource]:
        """What is read of the shop records by SQL or HTTP, by its kind."""
        return {} if self.shop_records is None else self.shop_records.kinds

    @property
    def pending_window_ns(self) -> int | None:
        """How long an order of the shop may be pending, in ns; None where it may stay so."""
        window = PENDING_WINDOW_S if self.shop_records is None else self.shop_records.pending_window_s
        return None if window == "none" else round(window * 1e9)

    @property
    def records_file(self) -> OwnFile | None:
        """The user's file of shop records."""
        return None if self.shop_records is None else self.shop_records.own

    @property
    def cached_steps(self) -> frozenset[str]:
        """The steps that a declared cache may answer."""
        return frozenset() if self.cache is None else frozenset(self.cache.steps)

    @property
    def variant_urls(self) -> tuple[str, ...]:
        """The addresses of the variants that have a host of their own."""
        return tuple(one.base_url for one in self.variants.values() if one.base_url is not None)

    def as_variant(self, label: str) -> Self:
        """Return the environment as the release `label` is reached, without its header or cookie; raises KeyError."""
        own = self.variants[label].base_url or self.base_url
        return self.model_copy(update={"base_url": own, "variants": {}})

    @property
    def loaded(self) -> Mapping[str | None, str]:
        """The addresses that take load, by label: `base_url` under None, then each declared host."""
        return {None: self.base_url, **{label: host.url for label, host in self.hosts.items()}}

    def protection(self, label: str | None) -> Protection:
        """Return what the host `label` wants to see, for None that of `base_url`.

        Raises KeyError for a host that isn't declared.
        """
        if label is None:
            return self
        host = self.hosts[label]
        return host if host.ca is not None or self.ca is None else host.model_copy(update={"ca": self.ca})

    def http2_to(self, label: str | None) -> bool:
        """Whether the load speaks HTTP/2, and nothing else, to the host `label`."""
        own = None if label is None else self.hosts[label].http_version
        return (own or self.http_version) == "2"

    @property
    def http2(self) -> bool:
        """Whether the load speaks HTTP/2, and nothing else."""
        return self.http_version == "2"

    def anchored(self, folder: Path) -> "Environment":
        """Return the environment with every path absolute: what is relative is looked for in `folder`."""
        proxy = self.proxy
        if proxy is not None:
            proxy = proxy.model_copy(update={"basic_auth": anchored_pair(folder, proxy.basic_auth)})
        hosts = {label: host.anchored(folder) for label, host in self.hosts.items()}
        storefront = self.storefront if isinstance(self.storefront, str) else self.storefront.anchored(folder)
        records = None if self.shop_records is None else self.shop_records.anchored(folder)
        own: dict[str, object] = {"token_file": at(folder, self.token_file), "proxy": proxy, "hosts": hosts}
        cleanup = None if self.cleanup is None else self.cleanup.anchored(folder)
        own |= {"storefront": storefront, "shop_records": records, "cleanup": cleanup}
        own |= {**self.anchored_data(folder), **self.anchored_files(folder), **self.anchored_notices(folder)}
        return self.model_copy(update=own)


class Targets(Document):
    """Every environment by name."""

    format: Literal["peakproof/targets/v1"]
    environments: Mapping[Label, Environment] = Field(min_length=1)

    def environment(self, name: str, path: Path | str) -> Environment:
        """Return the environment `name`; raises BadInput naming those there are."""
        if name not in self.environments:
            known = ", ".join(sorted(self.environments))
            raise BadInput(f"{path}: no environment {name!r}; there are: {known}")
        return self.environments[name]


def read_targets(path: Path) -> Targets:
    """Read `targets.yaml`; raises BadInput, which never shows what may be a secret.

    Files that it names are looked for beside it.
    """
    try:
        targets = read_yaml(path, Targets)
    except BadInput as error:
        raise BadInput("\n".join(_without_secrets(line, path) for line in str(error).splitlines())) from None
    for name, environment in targets.environments.items():
        for other in environment.shares_addresses_with:
            if other not in targets.environments:
                place = f"{path}: environments.{name}.shares_addresses_with"
                raise BadInput(
                    f"{place}: no environment {other!r}; there are: {', '.join(sorted(targets.environments))}"
                )
    found = {name: environment.anchored(path.parent) for name, environment in targets.environments.items()}
    return targets.model_copy(update={"environments": found})


def _without_secrets(line: str, path: Path) -> str:
    place = line.removeprefix(f"{path}: ")
    error, _, found = place.rpartition(", found ")
    hide = error and (
        _HIDDEN.match(place) or CREDENTIALS in error or QUERY in error or found.startswith(("{'", "['", "[{"))
    )
    return f"{path}: {error}" if hide else line


def redacted(name: str, environment: Environment) -> dict[str, Any]:
    """Return the environment as it may be kept in a run directory: no secret is ever in it, only variables' names."""
    return {"format": "peakproof/targets/v1", "environments": {name: environment.model_dump(mode="json")}}
