"""The environments that may be loaded: `targets.yaml`, format peakproof/targets/v1 (docs/contracts.md)."""

import re
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from loadtests.environment.addresses import readable, refusal
from slo.documents import BadInput, Document, read_yaml

_CREDENTIALS = "must not hold a name or password; headers come from the environment"
_QUERY = "must not hold a secret in its query; `headers` take it from a variable or a file"
# What a header or a parameter is called whose value only its owner may know.
_SECRET = re.compile(r"auth|bypass|cookie|credential|key|passw|secret|session|signature|token", re.IGNORECASE)
# An address that two parsers would take for two hosts is refused: no backslash, no percent sign, no semicolon.
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]{0,252}[a-z0-9.])?|[0-9a-f:.]*:[0-9a-f:.]*")
_TOKEN = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$"  # noqa: S105 - RFC 9110, 5.6.2, calls a name a token
_OURS = frozenset(
    {
        "connection", "content-encoding", "content-length", "content-type", "expect", "host", "idempotency-key",
        "keep-alive", "proxy-authorization", "te", "traceparent", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
# Named variables are handed to the load generator; these would configure it.
_STEERING = re.compile(r"LOCUST_|PYTHON|LD_|SSL|GEVENT|GRPC|(HOME|PATH|TMPDIR|LANG)$")
# The one table of storefronts that an environment may name; `loadtests.storefronts` holds each of them.
STOREFRONTS: tuple[str, ...] = ("twisted-threads",)
_HIDDEN = re.compile(
    r"^environments\.[^.]+"
    r"(\.(headers|basic_auth|proxy|token_env|token_file|client_certificate|ca|storefront\.settings)\b|: )"
)


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if "@" in parts.netloc:
        raise ValueError(_CREDENTIALS)
    if any(_SECRET.search(name) for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
        raise ValueError(_QUERY)
    if not text.isprintable() or " " in text:
        raise ValueError("must not hold a space or a control character")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address that begins with http:// or https://")
    if not parts.hostname.isascii():
        raise ValueError("must name its host in ASCII: an international name begins with xn--")
    if not _HOST.fullmatch(parts.hostname):
        raise ValueError("must name its host by letters, digits, dots and hyphens, or by an address")
    if parts.port == 0:
        raise ValueError("Port out of range 0-65535")  # urlsplit's message for one that is too high
    return text.rstrip("/")


def _base_address(text: str) -> str:
    if "?" in text or "#" in text:
        raise ValueError("must not hold a query or a fragment")
    return text


def _proxy_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme != "http":
        raise ValueError("must begin with http://: TLS to the proxy itself isn't supported, TLS through it is")
    if parts.port is None or parts.path:
        raise ValueError("must be http://HOST:PORT and no more")
    return text


def _address(text: str) -> str:
    address = readable(text)
    if why := refusal(address):
        raise ValueError(f"must not be {why}")
    return str(address)


def _variable(name: str) -> str:
    if _STEERING.match(name):
        raise ValueError("must not be a variable that steers the load generator")
    return name


def _storefront(name: str) -> str:
    if name not in STOREFRONTS:
        known = " or ".join(map(repr, STOREFRONTS))
        raise PydanticCustomError(
            "storefront", "Input should be {known}, or {file: your-storefront.py}", {"known": known}
        )
    return name


def _network(text: str) -> str:
    return str(ip_network(text))


WebAddress = Annotated[str, AfterValidator(_web_address)]
BaseAddress = Annotated[WebAddress, AfterValidator(_base_address)]
AddressText = Annotated[str, AfterValidator(_address)]
Label = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]
Variable = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$"), AfterValidator(_variable)]
File = Annotated[str, Field(min_length=1, max_length=4096)]
HttpVersion = Annotated[
    Literal["1.1", "2"],
    BeforeValidator(lambda value: str(value) if value in (1.1, 2) else value),
    WithJsonSchema({"enum": [1.1, 2, "1.1", "2"], "title": "Http Version"}),
]
StorefrontName = Annotated[
    str, AfterValidator(_storefront), WithJsonSchema({"type": "string", "const": STOREFRONTS[0], "title": "Storefront"})
]
HeaderName = Annotated[str, Field(pattern=_TOKEN)]
HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$")]
Status = Annotated[int, Field(ge=100, le=599)]
Mark = Annotated[str, Field(min_length=3, max_length=200)]
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


class HeaderValue(Document):
    """What a header holds: a value that isn't secret, or where a secret is read from when a run starts."""

    value: str | None = Field(default=None, max_length=4096)
    env: Variable | None = None
    file: File | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if sum(given is not None for given in (self.value, self.env, self.file)) != 1:
            raise ValueError("must be a value, or {env: NAME}, or {file: PATH}")
        if self.value is not None and not (self.value.isascii() and self.value.isprintable()):
            raise ValueError("must not hold a character that a header can't carry")
        return self


def _as_value(value: object) -> object:
    return {"value": value} if isinstance(value, str) else value


class BasicAuth(Document):
    """Where the user and the password of HTTP's basic authentication are read from."""

    user_env: Variable | None = None
    user_file: File | None = None
    password_env: Variable | None = None
    password_file: File | None = None

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if (self.user_env is None) == (self.user_file is None):
            raise ValueError("needs one of user_env and user_file")
        if (self.password_env is None) == (self.password_file is None):
            raise ValueError("needs one of password_env and password_file")
        return self


class ProxyTarget(Document):
    """The proxy that all of the environment's hosts are reached through, but those that are reached `straight`.

    With `resolves_names` the proxy resolves names, and the addresses they lead to aren't known here.
    """

    url: Annotated[BaseAddress, AfterValidator(_proxy_address)]
    basic_auth: BasicAuth | None = None
    straight: tuple[HostName, ...] = ()
    resolves_names: bool = False


class ClientCertificate(Document):
    """The certificate, and its key without a passphrase, that the shop wants to see: PEM files."""

    certificate: File
    key: File


class Tagging(Document):
    """How a request says, end to end, that it is a test's: a header, and W3C baggage for what lies behind the shop."""

    header: HeaderName = "X-Peakproof-Run"
    baggage: bool = False


class Blocked(Document):
    """How a firewall's reply is distinguished from the shop's own error; what is set here replaces the default.

    A reply is blocked when its status is one of `statuses` and not what the step accepts, when a header holds a
    mark, or when the head of the body of an unaccepted 202, 403, 405 or 503 holds one. Case doesn't matter.
    """

    statuses: tuple[Status, ...] = (429,)
    # Cloudflare: https://developers.cloudflare.com/cloudflare-challenges/challenge-types/challenge-pages/detect-response/
    # AWS WAF: https://docs.aws.amazon.com/waf/latest/developerguide/waf-captcha-and-challenge-actions.html
    header_contains: Mapping[HeaderName, str] = Field(
        default_factory=lambda: {"cf-mitigated": "challenge", "x-amzn-waf-action": ""}
    )
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


class AllowedNetwork(Document):
    """The networks that the environment's hosts may resolve to, in CIDR notation."""

    allow: tuple[Annotated[str, AfterValidator(_network)], ...]


SettingValue = str | int | float | bool | list[Any] | Mapping[str, Any] | None


class OwnFile(Document):
    """A Python file of the user's, and the settings that it is given.

    A setting is any value, or {env: NAME} or {file: PATH}: where a secret is read from when a run starts.
    """

    file: File
    settings: Mapping[str, SettingValue] = Field(default_factory=dict, max_length=100)

    @field_validator("file")
    @classmethod
    def _is_python(cls, name: str) -> str:
        if not name.endswith(".py"):
            raise ValueError("must be a Python file: its name ends in .py")
        return name

    @field_validator("settings")
    @classmethod
    def _hold_no_secret(cls, settings: Mapping[str, SettingValue]) -> Mapping[str, SettingValue]:
        for name, value in settings.items():
            if isinstance(value, Mapping) and value.keys() & {"env", "file"}:
                source = HeaderValue.model_validate(value)
                if source.value is not None:
                    raise ValueError(f"{name} must be a value, or {{env: NAME}}, or {{file: PATH}}")
            elif isinstance(value, str) and _SECRET.search(name):
                raise ValueError(f"{name} looks like a secret: it must come from {{env: NAME}} or {{file: PATH}}")
        return settings

    def sources(self) -> dict[str, HeaderValue]:
        """Return the settings that are read from a variable or a file, by name."""
        return {
            name: HeaderValue.model_validate(value)
            for name, value in self.settings.items()
            if isinstance(value, Mapping) and value.keys() & {"env", "file"}
        }

    def anchored(self, folder: Path) -> "OwnFile":
        """Return it with every path absolute: what is relative is looked for in `folder`."""
        files = {
            name: {"file": str((folder / source.file).absolute())}
            for name, source in self.sources().items()
            if source.file is not None
        }
        return self.model_copy(
            update={"file": str((folder / self.file).absolute()), "settings": {**self.settings, **files}}
        )


# A storefront by its built-in name, or the user's own; a tag in angle brackets is no part of a place in the document.
StorefrontSource = Annotated[
    Annotated[StorefrontName, Tag("<name>")] | Annotated[OwnFile, Tag("<file>")],
    Discriminator(lambda value: "<file>" if isinstance(value, Mapping | OwnFile) else "<name>"),
]


class Environment(Document):
    """One named target: what may be sent to it, and what it offers for judging.

    What isn't declared is left out of the verdict and named there. No field holds a secret: only the names of
    variables and the paths of files that do. TLS is always verified.
    """

    base_url: BaseAddress
    storefront: StorefrontSource
    ceiling: Ceiling
    production: bool = False
    shares_addresses_with: tuple[Label, ...] = ()
    side_effects: Mapping[SideEffect, Literal["off", "sandbox", "acknowledged"]] = Field(default_factory=dict)
    release_probe: ReleaseProbe | None = None
    metrics: tuple[ScrapeTarget, ...] = ()
    traces: bool = False
    orders_url: WebAddress | None = None
    stock_url: WebAddress | None = None
    funnel_url: WebAddress | None = None
    payments_url: WebAddress | None = None
    cdn_url: BaseAddress | None = None
    http_version: HttpVersion = "1.1"
    token_env: Variable | None = None
    token_file: File | None = None
    headers: Mapping[
        HeaderName,
        Annotated[HeaderValue, BeforeValidator(_as_value, json_schema_input_type=str | HeaderValue)],
    ] = Field(default_factory=dict, max_length=50)
    basic_auth: BasicAuth | None = None
    proxy: ProxyTarget | None = None
    client_certificate: ClientCertificate | None = None
    ca: File | None = None
    resolve: Mapping[HostName, AddressText] = Field(default_factory=dict)
    tag: Tagging = Tagging()
    blocked: Blocked = Blocked()
    kill_url: WebAddress | None = None
    kill_poll_s: float = Field(default=1.0, ge=0.1, le=60)
    idle: Idle | None = None
    network: AllowedNetwork | None = None
    fingerprint: Mapping[str, str | int | float | bool] = Field(default_factory=dict)

    @field_validator("headers")
    @classmethod
    def _headers_are_yours(cls, headers: Mapping[str, HeaderValue]) -> Mapping[str, HeaderValue]:
        seen: set[str] = set()
        for name, held in headers.items():
            if name.lower() in _OURS:
                raise ValueError(f"{name} is written by the client itself")
            if name.lower() in seen:
                raise ValueError(f"{name} is given twice")
            if held.value is not None and _SECRET.search(name):
                raise ValueError(f"{name} looks like a secret: it must come from {{env: NAME}} or {{file: PATH}}")
            seen.add(name.lower())
        return headers

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        given = {name.lower() for name in self.headers}
        written = {self.tag.header.lower()} | ({"baggage"} if self.tag.baggage else set())
        if self.token_env is not None and self.token_file is not None:
            raise ValueError("token_env and token_file exclude each other")
        if self.basic_auth is not None and "authorization" in given:
            raise ValueError("basic_auth and the header Authorization exclude each other")
        if clash := given & written:
            raise ValueError(f"headers holds {', '.join(sorted(clash))}, which tag writes")
        if self.tag.header.lower() in {*_OURS, "authorization", "baggage", "cookie", "user-agent", "accept"}:
            raise ValueError(f"tag.header may not be {self.tag.header}: it has another meaning")
        if self.client_certificate is not None and self.base_url.startswith("http:"):
            raise ValueError("client_certificate needs a base_url that begins with https://")
        if self.network is not None and self.proxy is not None and self.proxy.resolves_names:
            raise ValueError("network.allow and proxy.resolves_names exclude each other: no address would be known")
        return self

    @property
    def http2(self) -> bool:
        """Whether the load speaks HTTP/2, and nothing else."""
        return self.http_version == "2"

    def anchored(self, folder: Path) -> "Environment":
        """Return the environment with every path absolute: what is relative is looked for in `folder`."""

        def at(name: str | None) -> str | None:
            return None if name is None else str((folder / name).absolute())

        headers = {name: held.model_copy(update={"file": at(held.file)}) for name, held in self.headers.items()}

        def pair(basic: BasicAuth | None) -> BasicAuth | None:
            if basic is None:
                return None
            return basic.model_copy(update={"user_file": at(basic.user_file), "password_file": at(basic.password_file)})

        proxy, certificate = self.proxy, self.client_certificate
        if proxy is not None:
            proxy = proxy.model_copy(update={"basic_auth": pair(proxy.basic_auth)})
        if certificate is not None:
            certificate = certificate.model_copy(
                update={"certificate": at(certificate.certificate), "key": at(certificate.key)}
            )
        found = {"token_file": at(self.token_file), "ca": at(self.ca), "headers": headers, "proxy": proxy}
        own = self.storefront if isinstance(self.storefront, str) else self.storefront.anchored(folder)
        return self.model_copy(
            update={**found, "storefront": own, "basic_auth": pair(self.basic_auth), "client_certificate": certificate}
        )


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
        _HIDDEN.match(place) or _CREDENTIALS in error or _QUERY in error or found.startswith(("{'", "['"))
    )
    return f"{path}: {error}" if hide else line


def redacted(name: str, environment: Environment) -> dict[str, Any]:
    """Return the environment as it may be kept in a run directory: no secret is ever in it, only variables' names."""
    return {"format": "peakproof/targets/v1", "environments": {name: environment.model_dump(mode="json")}}
