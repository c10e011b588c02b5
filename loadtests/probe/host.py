"""What one connection of its own, without a request, shows of a host: how long it takes, and its certificate.

A certificate that isn't trusted, or is over, is read all the same: that is when its dates matter most.
"""

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from loadtests.environment.destinations import host_of
from loadtests.environment.resolved_environment import ResolvedEnvironment, connect
from loadtests.probe.messages import HostSeen

# OpenSSL's X509_V_FLAG_PARTIAL_CHAIN and X509_V_FLAG_NO_CHECK_TIME (x509_vfy.h); Python names neither in 3.11.
_PARTIAL_CHAIN, _NO_CHECK_TIME = 0x80000, 0x200000


def see(resolved: ResolvedEnvironment, label: str | None) -> HostSeen:
    """Connect to the host `label`, over TLS where that is declared; never raises for what the network does."""
    url = resolved.environment.loaded[label]
    name = urlsplit(url).netloc
    context = resolved.tls(label)
    try:
        began = time.perf_counter()
        connect(resolved, url).close()
        connect_s = time.perf_counter() - began
    except OSError:
        return HostSeen(host=name)
    if context is None:
        return HostSeen(host=name, connect_s=connect_s)
    seen = _verified(resolved, url, context) or _unverified(resolved, url)
    return HostSeen(
        host=name,
        connect_s=connect_s,
        tls_s=seen.tls_s,
        trusted=seen.trusted,
        not_before_s=_time(seen.certificate, "notBefore"),
        not_after_s=_time(seen.certificate, "notAfter"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Handshake:
    certificate: Mapping[str, object]
    trusted: bool | None
    tls_s: float | None = None


def _verified(resolved: ResolvedEnvironment, url: str, context: ssl.SSLContext) -> _Handshake | None:
    """Return the certificate that is trusted; None when it isn't."""
    try:
        with connect(resolved, url) as plain:
            began = time.perf_counter()
            with context.wrap_socket(plain, server_hostname=host_of(url).rstrip(".")) as secure:
                tls_s = time.perf_counter() - began
                return _Handshake(certificate=dict(secure.getpeercert() or {}), trusted=True, tls_s=tls_s)
    except ssl.SSLCertVerificationError:
        return None
    except OSError:
        return _Handshake(certificate={}, trusted=None)


def _unverified(resolved: ResolvedEnvironment, url: str) -> _Handshake:
    """Return the certificate that isn't trusted.

    `ssl` shows the fields of a verified certificate alone, so it is fetched as it is, and then trusted as its own
    authority, whatever its dates: nothing is sent on either connection.
    """
    try:
        raw = _presented(resolved, url)
        context = _lax()
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=raw)
        context.verify_flags |= ssl.VerifyFlags(_PARTIAL_CHAIN | _NO_CHECK_TIME)
        with connect(resolved, url) as plain, context.wrap_socket(plain, server_hostname=_name(url)) as secure:
            return _Handshake(certificate=dict(secure.getpeercert() or {}), trusted=False)
    except OSError:
        return _Handshake(certificate={}, trusted=False)


def _presented(resolved: ResolvedEnvironment, url: str) -> bytes:
    context = _lax()
    with connect(resolved, url) as plain, context.wrap_socket(plain, server_hostname=_name(url)) as secure:
        return secure.getpeercert(binary_form=True) or b""


def _lax() -> ssl.SSLContext:
    """Return a context without any check, and without the client's certificate: who answers isn't known."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _name(url: str) -> str:
    return host_of(url).rstrip(".")


def _time(certificate: Mapping[str, object], field: str) -> float | None:
    found = certificate.get(field)
    try:
        return None if found is None else float(ssl.cert_time_to_seconds(str(found)))
    except ValueError:
        return None
