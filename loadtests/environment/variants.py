"""The two releases of an environment where both are up: what in a request chooses between them."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from loadtests.environment.hosts import Host, site_at
from loadtests.environment.target_fields import OWN_HEADERS, BaseAddress, HeaderName, Label
from slo.documents import Document
from slo.web_addresses import SECRET_NAME

_PLAIN = r"^[!-~]([ -~]{0,254}[!-~])?$"
_IN_A_COOKIE = r"^[!#-+\--:<-\[\]-~]{1,256}$"  # RFC 6265, section 4.1.1: cookie-octet
_METRIC_LABEL = r"^[a-zA-Z_][a-zA-Z0-9_]*$"
HeaderText = Annotated[str, Field(pattern=_PLAIN)]
CookieText = Annotated[str, Field(pattern=_IN_A_COOKIE)]
MetricLabel = Annotated[str, Field(pattern=_METRIC_LABEL, max_length=120)]
_TAKEN = {*OWN_HEADERS, "authorization", "baggage", "cookie", "user-agent", "accept", "traceparent", "tracestate"}


class Variant(Document):
    """How a session reaches one of two releases: a header, a cookie, or a host of its own in the place of `base_url`.

    No value is secret: it is kept in the run directory. `metric_labels` are what Prometheus' series of this release
    alone have, such as `version: "2.4.1"`; without them server-side objectives aren't compared.
    """

    header: Annotated[Mapping[HeaderName, HeaderText], Field(min_length=1, max_length=1)] | None = None
    cookie: Annotated[Mapping[HeaderName, CookieText], Field(min_length=1, max_length=1)] | None = None
    base_url: BaseAddress | None = None
    metric_labels: Mapping[MetricLabel, Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        default_factory=dict, max_length=5
    )

    @field_validator("header", "cookie")
    @classmethod
    def _holds_no_secret(cls, given: Mapping[str, str] | None) -> Mapping[str, str] | None:
        for name in given or {}:
            if name.lower() in _TAKEN:
                raise ValueError(f"{name} has another meaning, or is written by the client itself")
            if SECRET_NAME.search(name):
                raise ValueError(f"{name} looks like a secret: what chooses a release is kept in the run directory")
        return given

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(given is not None for given in (self.header, self.cookie, self.base_url)) != 1:
            raise ValueError("needs one of header: {NAME: VALUE}, cookie: {NAME: VALUE}, base_url")
        return self

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers that choose it in a request without a jar of cookies."""
        if self.cookie is not None:
            return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookie.items())}
        return dict(self.header or {})

    @property
    def way(self) -> str:
        """Return how it is reached, for a person."""
        kind, given = ("cookie", self.cookie) if self.cookie is not None else ("header", self.header)
        if given is None:
            return f"base_url {self.base_url}"
        return f"{kind} " + ", ".join(f"{name}: {value}" for name, value in given.items())

    def reached_as(self, base_url: str) -> tuple[object, ...]:
        """Return what makes its requests differ from the other's."""
        site = self.base_url if self.base_url is not None else base_url
        header = tuple((name.lower(), value) for name, value in (self.header or {}).items())
        return site_at(site), site.rstrip("/"), header, tuple((self.cookie or {}).items())


def check_variants(
    variants: Mapping[Label, Variant], base_url: str, hosts: Mapping[str, Host], headers: set[str]
) -> None:
    """Raise ValueError unless there are two that differ, or none; `headers` are written already, in lower case."""
    if not variants:
        return
    if len(variants) != 2:  # noqa: PLR2004 - A and B
        raise ValueError(f"variants must be two, the release before and the new one; found {len(variants)}")
    for label, one in variants.items():
        if clash := sorted({name.lower() for name in one.header or {}} & headers):
            raise ValueError(f"variants.{label}.header holds {clash[0]}, which the environment's headers or tag write")
        if one.base_url is not None:
            _check_host(label, one.base_url, base_url, hosts)
    (first, a), (second, b) = variants.items()
    if a.reached_as(base_url) == b.reached_as(base_url):
        raise ValueError(f"variants.{first} and variants.{second} are reached alike: no request tells them apart")


def _check_host(label: str, url: str, base_url: str, hosts: Mapping[str, Host]) -> None:
    taken = next((name for name, host in hosts.items() if site_at(host.url) == site_at(url)), None)
    if taken is not None:
        raise ValueError(f"variants.{label}.base_url is at the origin of hosts.{taken}")
    if site_at(url)[0] != site_at(base_url)[0]:
        raise ValueError(f"variants.{label}.base_url must begin with {site_at(base_url)[0]}://, as base_url does")
