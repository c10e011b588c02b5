"""TLS to the shop: always verified, against the system's CAs or those of `ca`, with the client's certificate."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import certifi

from loadtests.environment.hosts import Protection
from slo.documents import BadInput

MakeContext = Callable[..., ssl.SSLContext]


def authorities(host: Protection) -> str:
    """Return the file or folder of the CAs to trust: `ca`, else the system's, else certifi's."""
    if host.ca is not None:
        return host.ca
    paths = ssl.get_default_verify_paths()
    folder = Path(paths.capath) if paths.capath else None
    filled = folder is not None and folder.is_dir() and any(folder.iterdir())
    return paths.cafile or (str(folder) if filled else certifi.where())


def context_of(host: Protection, make: MakeContext = ssl.create_default_context) -> ssl.SSLContext:
    """Return the context for every connection to a host, made by `make`; raises BadInput on an unusable file."""
    trusted = authorities(host)
    try:
        context = make(capath=trusted) if Path(trusted).is_dir() else make(cafile=trusted)
    except OSError as error:
        raise BadInput(f"{trusted}: no CA certificates can be read: {_reason(error)}") from error
    pair = host.client_certificate
    if pair is None:
        return context
    try:
        context.load_cert_chain(pair.certificate, pair.key, password=_no_passphrase)
    except OSError as error:
        message = f"{pair.certificate}, {pair.key}: no certificate with its key: {_reason(error)}"
        raise BadInput(message) from error
    return context


def _no_passphrase() -> NoReturn:
    raise PermissionError(1, "the key has a passphrase; give the key without one")


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "malformed"
    return error.strerror or str(error)
