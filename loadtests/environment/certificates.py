"""The certificate that a host answers with: one TLS handshake, verified, and no request."""

import ssl

from loadtests.environment.destinations import host_of
from loadtests.environment.proxy import ProxyError
from loadtests.environment.resolved_environment import ResolvedEnvironment, connect

_OTHER_NAME = frozenset({62, 64})  # OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH
_MOST_NAMES = 5


def certificate_of(resolved: ResolvedEnvironment, label: str | None = None) -> dict[str, object]:
    """Return the verified certificate of the host `label`, as `ssl` has it; raises OSError, ssl's among it."""
    return _handshake(resolved, label, checks_name=True)


def fault_of(resolved: ResolvedEnvironment, label: str | None, error: OSError) -> str:
    """Return why there is no connection to the host `label`, or none that is trusted, in a few words.

    Another host's certificate is named with what it was issued for; for that there is one more handshake.
    """
    if isinstance(error, ProxyError):
        return f"the proxy doesn't lead there: {error}"
    if not isinstance(error, ssl.SSLCertVerificationError):
        return f"can't be connected to: {error.strerror or error}"
    if error.verify_code not in _OTHER_NAME:
        return f"the certificate isn't trusted: {error.verify_message}"
    host = host_of(resolved.environment.loaded[label])
    return f"answers with the certificate of {_issued_for(resolved, label)}, not of {host}"


def _issued_for(resolved: ResolvedEnvironment, label: str | None) -> str:
    try:
        held = _handshake(resolved, label, checks_name=False)
    except OSError:
        return "another host"
    pairs = held.get("subjectAltName")
    names = [str(value) for kind, value in pairs if kind in ("DNS", "IP Address")] if isinstance(pairs, tuple) else []
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more if names else "no host"


def _handshake(resolved: ResolvedEnvironment, label: str | None, *, checks_name: bool) -> dict[str, object]:
    url, context = resolved.environment.loaded[label], resolved.tls(label)
    if context is None:
        raise ValueError("a host over plain http has no certificate")
    context.check_hostname = checks_name  # the chain is verified all the same, and nothing is sent
    with (
        connect(resolved, url) as plain,
        context.wrap_socket(plain, server_hostname=host_of(url).rstrip(".")) as secure,
    ):
        return dict(secure.getpeercert() or {})
