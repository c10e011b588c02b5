"""What the values of targets.yaml are: addresses, names, and where a secret is read from."""

import re
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from loadtests.environment.addresses import readable, refusal
from slo.documents import Document
from slo.web_addresses import has_secret_query, normal, normal_host

CREDENTIALS = "must not hold a name or password; headers come from the environment"
QUERY = "must not hold a secret in its query; `headers` take it from a variable or a file"
# An address that two parsers would take for two hosts is refused: no backslash, no percent sign, no semicolon.
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]{0,252}[a-z0-9.])?|[0-9a-f:.]*:[0-9a-f:.]*")
_MOST_PORT = 65_535
_TOKEN = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$"  # noqa: S105 - RFC 9110, 5.6.2, calls a name a token
OWN_HEADERS = frozenset(
    {
        "connection", "content-encoding", "content-length", "content-type", "expect", "host", "idempotency-key",
        "keep-alive", "proxy-authorization", "te", "traceparent", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
# Named variables are handed to the load generator; these would configure it.
_STEERING = re.compile(r"LOCUST_|PYTHON|LD_|SSL|GEVENT|GRPC|(HOME|PATH|TMPDIR|LANG)$")


def _web_address(text: str) -> str:
    try:
        parts = urlsplit(text)
    except ValueError as error:  # its message may repeat what may be a password
        in_brackets = str(error) == "Invalid IPv6 URL"
        raise ValueError(str(error) if in_brackets else "must be an address: its host can't be read") from None
    if "@" in parts.netloc:
        raise ValueError(CREDENTIALS)
    if has_secret_query(parts.query):
        raise ValueError(QUERY)
    if not text.isprintable() or " " in text:
        raise ValueError("must not hold a space or a control character")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address that begins with http:// or https://")
    if not parts.hostname.isascii():
        raise ValueError("must name its host in ASCII: an international name begins with xn--")
    if not _HOST.fullmatch(parts.hostname):
        raise ValueError("must name its host by letters, digits, dots and hyphens, or by an address")
    _check_port(parts.netloc.rpartition("]")[2].partition(":")[2])
    return normal(text).rstrip("/")


def _check_port(text: str) -> None:
    if text and not (text.isascii() and text.isdigit()):
        raise ValueError("must have a number for its port")
    if text and not 0 < int(text[:9]) <= _MOST_PORT:
        raise ValueError("Port out of range 0-65535")


def _base_address(text: str) -> str:
    if "?" in text or "#" in text:
        raise ValueError("must not hold a query or a fragment")
    return text


def _proxy_address(text: str) -> str:
    address = _base_address(_web_address(text))
    if not address.startswith("http:"):
        raise ValueError("must begin with http://: TLS to the proxy itself isn't supported, TLS through it is")
    port = urlsplit(text).port
    if port is None or urlsplit(address).path:
        raise ValueError("must be http://HOST:PORT and no more")
    return address if urlsplit(address).port else f"{address}:{port}"


def _address(text: str) -> str:
    address = readable(text)
    if why := refusal(address):
        raise ValueError(f"must not be {why}")
    return str(address)


def _variable(name: str) -> str:
    if _STEERING.match(name):
        raise ValueError("must not be a variable that steers the load generator")
    return name


def _network(text: str) -> str:
    return str(ip_network(text))


WebAddress = Annotated[str, AfterValidator(_web_address)]
BaseAddress = Annotated[WebAddress, AfterValidator(_base_address)]
ProxyAddress = Annotated[str, AfterValidator(_proxy_address)]
NetworkText = Annotated[str, AfterValidator(_network)]
AddressText = Annotated[str, AfterValidator(_address)]
Label = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]
Variable = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$"), AfterValidator(_variable)]
File = Annotated[str, Field(min_length=1, max_length=4096)]
HttpVersion = Annotated[
    Literal["1.1", "2"],
    BeforeValidator(lambda value: str(value) if value in (1.1, 2) else value),
    WithJsonSchema({"enum": [1.1, 2, "1.1", "2"], "title": "Http Version"}),
]
HeaderName = Annotated[str, Field(pattern=_TOKEN)]
HostName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$"), AfterValidator(normal_host)
]
Status = Annotated[int, Field(ge=100, le=599)]
Mark = Annotated[str, Field(min_length=3, max_length=200)]


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

    def variables(self) -> Iterator[str]:
        """Return the names of the variables that hold it."""
        yield from (name for name in (self.user_env, self.password_env) if name is not None)


class ClientCertificate(Document):
    """The certificate, and its key without a passphrase, that the shop wants to see: PEM files."""

    certificate: File
    key: File
