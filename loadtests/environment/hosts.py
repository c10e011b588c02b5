"""The hosts that take load: `base_url`'s, and those that `hosts` declares beside it, each with what it wants to see."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator, model_validator

from loadtests.environment.target_fields import (
    OWN_HEADERS,
    BaseAddress,
    BasicAuth,
    ClientCertificate,
    File,
    HeaderName,
    HeaderValue,
    HttpVersion,
    Label,
)
from slo.documents import Document
from slo.web_addresses import SECRET_NAME

CDN: Label = "cdn"
"""The host whose assets a plan with `assets: all` fetches as `cdn-asset`."""
SHOP = "shop"
"""What messages call `base_url`'s host; no declared host may be called so."""
MAX_HOSTS = 20
_PORTS = {"http": 80, "https": 443}
Site = tuple[str, str, int]
"""An origin: scheme, host in lower case without a last dot, port."""


def _as_value(value: object) -> object:
    return {"value": value} if isinstance(value, str) else value


class Protection(Document):
    """What a host wants to see of whoever sends to it, and which CAs its own certificate is verified with."""

    headers: Mapping[
        HeaderName,
        Annotated[HeaderValue, BeforeValidator(_as_value, json_schema_input_type=str | HeaderValue)],
    ] = Field(default_factory=dict, max_length=50)
    basic_auth: BasicAuth | None = None
    client_certificate: ClientCertificate | None = None
    ca: File | None = None

    @field_validator("headers")
    @classmethod
    def _headers_are_yours(cls, headers: Mapping[str, HeaderValue]) -> Mapping[str, HeaderValue]:
        seen: set[str] = set()
        for name, held in headers.items():
            if name.lower() in OWN_HEADERS:
                raise ValueError(f"{name} is written by the client itself")
            if name.lower() in seen:
                raise ValueError(f"{name} is given twice")
            if held.value is not None and SECRET_NAME.search(name):
                raise ValueError(f"{name} looks like a secret: it must come from {{env: NAME}} or {{file: PATH}}")
            seen.add(name.lower())
        return headers

    @model_validator(mode="after")
    def _one_authorization(self) -> Self:
        if self.basic_auth is not None and "authorization" in {name.lower() for name in self.headers}:
            raise ValueError("basic_auth and the header Authorization exclude each other")
        return self

    @property
    def has_secret(self) -> bool:
        """Whether a secret goes with its requests."""
        return self.basic_auth is not None or any(held.value is None for held in self.headers.values())

    def variables(self) -> Iterator[str]:
        """Return the names of the variables that hold its secrets."""
        yield from (held.env for held in self.headers.values() if held.env is not None)
        if self.basic_auth is not None:
            yield from self.basic_auth.variables()

    def written_with(self, tags: set[str]) -> list[str]:
        """Return which of its headers, in lower case, are among `tags`, which are in lower case, too."""
        return sorted({name.lower() for name in self.headers} & tags)

    def anchored_files(self, folder: Path) -> dict[str, Any]:
        """Return its own fields that hold paths, each absolute: what is relative is looked for in `folder`."""
        pair = self.client_certificate
        if pair is not None:
            changes = {"certificate": at(folder, pair.certificate), "key": at(folder, pair.key)}
            pair = pair.model_copy(update=changes)
        return {
            "headers": {n: held.model_copy(update={"file": at(folder, held.file)}) for n, held in self.headers.items()},
            "basic_auth": anchored_pair(folder, self.basic_auth),
            "client_certificate": pair,
            "ca": at(folder, self.ca),
        }


class HostCeiling(Document):
    """The most requests that may be sent to one host, within the environment's ceiling."""

    requests_per_s: float = Field(gt=0, le=100_000)


class Host(Protection):
    """One declared host beside `base_url`: nothing that `base_url` wants to see is shown to it.

    Without a `ceiling` of its own it shares the environment's, without a `ca` it is verified with the environment's,
    and without an `http_version` it is spoken to as `base_url` is. `production` makes its environment production.
    """

    url: BaseAddress
    ceiling: HostCeiling | None = None
    http_version: HttpVersion | None = None
    production: bool = False

    @model_validator(mode="after")
    def _certificate_is_shown(self) -> Self:
        if self.client_certificate is not None and self.url.startswith("http:"):
            raise ValueError("client_certificate needs a url that begins with https://")
        return self

    def anchored(self, folder: Path) -> Self:
        """Return the host with every path absolute."""
        return self.model_copy(update=self.anchored_files(folder))


def at(folder: Path, name: str | None) -> str | None:
    """Return a path as an absolute one, None for none."""
    return None if name is None else str((folder / name).absolute())


def anchored_pair(folder: Path, basic: BasicAuth | None) -> BasicAuth | None:
    """Return `basic` with its files absolute."""
    if basic is None:
        return None
    files = {"user_file": at(folder, basic.user_file), "password_file": at(folder, basic.password_file)}
    return basic.model_copy(update=files)


def site_at(url: str) -> Site:
    """Return the origin of an address that was read already."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").rstrip("."), parts.port or _PORTS[parts.scheme]


def check_apart(base_url: str, hosts: Mapping[str, Host]) -> None:
    """Raise ValueError unless each declared host is an origin of its own."""
    if SHOP in hosts:
        raise ValueError(f"hosts.{SHOP}: the label {SHOP} is base_url's own; choose another")
    known = {site_at(base_url): "base_url"}
    for label, host in hosts.items():
        other = known.setdefault(site_at(host.url), f"hosts.{label}")
        if other != f"hosts.{label}":
            raise ValueError(
                f"hosts.{label} is at the origin of {other}; declare each origin once, with the shortest path that"
                " holds all its pages"
            )
