"""How long a host's certificate is valid, from one TLS handshake without a request."""

import ssl
import time

from loadtests.environment.certificates import certificate_of, fault_of
from loadtests.environment.resolved_environment import ResolvedEnvironment
from scripts.doctor.lines import Line, ok, wrong

_SOON_DAYS = 14
_DAY_S = 86_400
_EXPIRED = 10  # OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED
_HOURS_BELOW_DAYS = 3


def certificate(resolved: ResolvedEnvironment, label: str | None = None) -> Line | None:
    """Return what the certificate of the host `label` says, None when it isn't reached over TLS."""
    if not resolved.environment.loaded[label].startswith("https:"):
        return None
    what = "TLS" if label is None else label
    try:
        ends_at = ssl.cert_time_to_seconds(str(certificate_of(resolved, label)["notAfter"]))
    except ssl.SSLCertVerificationError as error:
        if error.verify_code == _EXPIRED:
            return wrong(what, "the certificate has expired", "renew it before the run")
        return wrong(what, fault_of(resolved, label, error), "replace it, or name its CA in `ca`")
    except OSError as error:
        return wrong(what, f"no handshake: {error.strerror or error}", "check what listens on that port")
    days = (ends_at - time.time()) / _DAY_S
    if days < _SOON_DAYS:
        return wrong(what, f"the certificate ends in {_in_words(days)}", "renew it before the run")
    return ok(what, f"the certificate is trusted, for {_in_words(days)} more")


def _in_words(days: float) -> str:
    return f"{days:.0f} days" if days >= _HOURS_BELOW_DAYS else f"{days * 24:.0f} hours"
