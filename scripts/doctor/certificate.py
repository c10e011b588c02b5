"""How long the shop's certificate is valid, from one TLS handshake without a request."""

import ssl
import time

from loadtests.environment.destinations import host_of
from loadtests.environment.resolved_environment import ResolvedEnvironment, connect
from loadtests.environment.tls import context_of
from scripts.doctor.lines import Line, ok, wrong

_SOON_DAYS = 14
_DAY_S = 86_400
_EXPIRED = 10  # OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED
_HOURS_BELOW_DAYS = 3


def certificate(resolved: ResolvedEnvironment) -> Line | None:
    """Return what its certificate says, None when the shop isn't reached over TLS."""
    if not resolved.environment.base_url.startswith("https:"):
        return None
    try:
        days = _days_left(resolved)
    except ssl.SSLCertVerificationError as error:
        if error.verify_code == _EXPIRED:
            return wrong("TLS", "the certificate has expired", "renew it before the run")
        return wrong(
            "TLS", f"the certificate isn't trusted: {error.verify_message}", "replace it, or name its CA in `ca`"
        )
    except OSError as error:
        return wrong("TLS", f"no handshake: {error.strerror or error}", "check what listens on that port")
    if days < _SOON_DAYS:
        return wrong("TLS", f"the certificate ends in {_in_words(days)}", "renew it before the run")
    return ok("TLS", f"the certificate is trusted, for {_in_words(days)} more")


def _in_words(days: float) -> str:
    return f"{days:.0f} days" if days >= _HOURS_BELOW_DAYS else f"{days * 24:.0f} hours"


def _days_left(resolved: ResolvedEnvironment) -> float:
    url = resolved.environment.base_url
    with (
        connect(resolved, url) as plain,
        context_of(resolved.environment).wrap_socket(plain, server_hostname=host_of(url).rstrip(".")) as secure,
    ):
        seen = secure.getpeercert() or {}
    return (ssl.cert_time_to_seconds(str(seen["notAfter"])) - time.time()) / _DAY_S
