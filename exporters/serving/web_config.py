"""`--web.config.file`: TLS, users and response headers, in the format of Prometheus' exporter-toolkit.

What that format has and this server hasn't is refused by name.
Source: https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md
"""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from slo.documents import BadInput, Document, read_yaml

_BCRYPT = re.compile(r"\$2[aby]\$(?P<cost>\d\d)\$[./A-Za-z0-9]{53}")
_LEAST_COST, _MOST_COST = 4, 16  # 16 takes about four seconds; the format's own highest would take hours
_CLIENT_AUTH = ("NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert")
VERIFIED = "RequireAndVerifyClientCert"
# Go's names of the suites for TLS 1.2 that its documentation doesn't call insecure, and OpenSSL's.
CIPHER_SUITES: Mapping[str, str] = MappingProxyType(
    {
        f"TLS_ECDHE_{kind}_WITH_{suite}": f"ECDHE-{kind}-{openssl}"
        for kind in ("ECDSA", "RSA")
        for suite, openssl in (
            ("AES_128_GCM_SHA256", "AES128-GCM-SHA256"),
            ("AES_256_GCM_SHA384", "AES256-GCM-SHA384"),
            ("CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305"),
        )
    }
)


def _known_suite(name: str) -> str:
    if name not in CIPHER_SUITES:
        raise ValueError(f"allowed are {', '.join(CIPHER_SUITES)}")
    return name


def _bcrypt_hash(value: str) -> str:
    found = _BCRYPT.fullmatch(value)
    if found is None or not _LEAST_COST <= int(found["cost"]) <= _MOST_COST:
        raise ValueError(
            f"expected a bcrypt hash of cost {_LEAST_COST} to {_MOST_COST}, as `htpasswd -nBC 10 ''` prints"
        )
    return value


def _header_value(value: str) -> str:
    if not (value.isascii() and value.isprintable()):
        raise ValueError("expected printable ASCII characters")
    return value


class _Part(Document):
    UNSUPPORTED: ClassVar[Mapping[str, str]] = MappingProxyType({})

    @model_validator(mode="before")
    @classmethod
    def _refuse_what_is_not_supported(cls, data: Any) -> Any:  # noqa: ANN401 - whatever stands in the file
        for name in cls.UNSUPPORTED if isinstance(data, Mapping) else ():
            if name in data:
                raise ValueError(f"{name} is not supported: {cls.UNSUPPORTED[name]}")
        return data


class TlsServerConfig(_Part):
    """TLS for the port; the files are read anew for each handshake when they have changed."""

    UNSUPPORTED: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "cert": "name a file in cert_file",
            "key": "name a file in key_file",
            "client_ca": "name a file in client_ca_file",
            "curve_preferences": "OpenSSL's own are used",
        }
    )
    cert_file: str
    key_file: str
    client_auth_type: Literal["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"] = "NoClientCert"
    client_ca_file: str | None = None
    client_allowed_sans: tuple[str, ...] = ()
    min_version: Literal["TLS12", "TLS13"] = "TLS12"
    max_version: Literal["TLS12", "TLS13"] = "TLS13"
    cipher_suites: tuple[Annotated[str, AfterValidator(_known_suite)], ...] = ()
    prefer_server_cipher_suites: bool = True

    @model_validator(mode="after")
    def _fits_together(self) -> "TlsServerConfig":
        if (self.client_ca_file is None) != (self.client_auth_type == "NoClientCert"):
            verifying = " or ".join(_CLIENT_AUTH[1:])
            raise ValueError(f"client_ca_file goes with client_auth_type {verifying}, and neither without the other")
        if self.client_allowed_sans and self.client_auth_type != VERIFIED:
            raise ValueError(f"client_allowed_sans goes with client_auth_type {VERIFIED}")
        if self.min_version > self.max_version:
            raise ValueError(f"min_version {self.min_version} is above max_version {self.max_version}")
        return self


Header = Annotated[str, AfterValidator(_header_value)]


class Headers(Document):
    """The response headers that the format allows, and no others."""

    content_security_policy: Header | None = Field(None, alias="Content-Security-Policy")
    frame_options: Literal["deny", "sameorigin"] | None = Field(None, alias="X-Frame-Options")
    content_type_options: Literal["nosniff"] | None = Field(None, alias="X-Content-Type-Options")
    xss_protection: Header | None = Field(None, alias="X-XSS-Protection")
    strict_transport_security: Header | None = Field(None, alias="Strict-Transport-Security")


class HttpServerConfig(Document):
    """`http2` is taken and changes nothing: HTTP/2 is an offer, and this server speaks HTTP/1.1 to everyone."""

    http2: bool = True
    headers: Headers = Headers()


class WebConfig(_Part):
    """The whole file."""

    UNSUPPORTED: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"rate_limit": "a source is read once however many ask, and slow clients hold nobody up"}
    )
    tls_server_config: TlsServerConfig | None = None
    http_server_config: HttpServerConfig = HttpServerConfig()
    basic_auth_users: dict[str, Annotated[str, AfterValidator(_bcrypt_hash)]] = Field(default={}, repr=False)

    @property
    def asks_who_it_is(self) -> bool:
        """Whether a client must prove who it is, by password or certificate."""
        tls = self.tls_server_config
        return bool(self.basic_auth_users) or (tls is not None and tls.client_auth_type == VERIFIED)

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers to add to each response."""
        named = self.http_server_config.headers.model_dump(by_alias=True, exclude_none=True)
        return tuple(named.items())


def read_web_config(path: Path) -> WebConfig:
    """Read the file; raises BadInput, which names file, place and what is allowed, and shows no hash."""
    try:
        return read_yaml(path, WebConfig)
    except BadInput as error:
        raise BadInput(_without_hashes(str(error))) from None


def _without_hashes(message: str) -> str:
    """Return the message without what was found in the place of a hash, which may be a password, or around it."""
    return "\n".join(_without_found(line) for line in message.splitlines())


def _without_found(line: str) -> str:
    told, _, found = line.partition(", found ")
    return told if "basic_auth_users" in told or found.startswith("{") else line
