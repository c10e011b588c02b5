"""`--web.config.file` as it stands there now: it and the certificates that it names are read anew when they changed.

So a new certificate or password needs no restart. While the file can't be used nobody is answered, and the log says why
once.
"""

import logging
import os
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporters.serving.web_config import CIPHER_SUITES, TlsServerConfig, WebConfig, read_web_config
from slo.documents import BadInput

_LOG = logging.getLogger(__name__)
_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_VERIFY = {"VerifyClientCertIfGiven": ssl.CERT_OPTIONAL, "RequireAndVerifyClientCert": ssl.CERT_REQUIRED}
_SAN_KINDS = ("DNS", "IP Address", "email", "URI")
Stamp = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    """What the file said, its TLS, and the state of each file that was read for it."""

    config: WebConfig
    context: ssl.SSLContext | None
    stamps: Mapping[Path, Stamp]


class WebProtection:
    """What `--web.config.file` asks for, as it stands there now.

    `must_ask` refuses a file by which everybody would be answered: for addresses that other machines reach.
    Raises BadInput when the file can't be used to begin with.
    """

    def __init__(self, path: Path, *, must_ask: bool = False) -> None:
        self._path, self._must_ask = path, must_ask
        self._lock = threading.Lock()
        self._failed: str | None = None
        self._loaded = self._load()
        self.has_tls = self._loaded.context is not None

    @property
    def config(self) -> WebConfig:
        """The file's content; raises BadInput while it can't be used."""
        return self._current().config

    # ---- http_server.Tls

    def wrapped(self, connection: socket.socket) -> ssl.SSLSocket:
        """Return the connection with TLS by the file as it is now; raises BadInput when it has none."""
        context = self._current().context
        if context is None:
            raise BadInput(f"{self._path}: tls_server_config was there at the start and isn't now")
        return context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)

    def admits(self, connection: ssl.SSLSocket) -> bool:
        """Return whether the client's certificate has one of client_allowed_sans, where there are any."""
        try:
            tls = self._current().config.tls_server_config
        except BadInput:
            return False
        if tls is None or not tls.client_allowed_sans:
            return True
        told: Any = (connection.getpeercert() or {}).get("subjectAltName", ())
        return any(kind in _SAN_KINDS and name in tls.client_allowed_sans for kind, name in told)

    # ---- reading

    def _current(self) -> _Loaded:
        with self._lock:
            is_as_it_was = all(_stamp(path) == before for path, before in self._loaded.stamps.items())
            return self._loaded if is_as_it_was and self._failed is None else self._load_again()

    def _load_again(self) -> _Loaded:
        try:
            self._loaded = self._load()
        except BadInput as error:
            if str(error) != self._failed:
                _LOG.error("%s; nobody is answered until it can be used", error)
            self._failed = str(error)
            raise
        if self._failed is not None:
            _LOG.info("%s: can be used again", self._path)
        self._failed = None
        return self._loaded

    def _load(self) -> _Loaded:
        stamps = {self._path: _stamp(self._path)}
        config = read_web_config(self._path)
        if self._must_ask and not config.asks_who_it_is:
            wanted = "basic_auth_users or client_auth_type RequireAndVerifyClientCert"
            raise BadInput(f"{self._path}: other machines reach this server, so the file must have {wanted}")
        tls = config.tls_server_config
        files = {} if tls is None else _files(tls, self._path.parent)
        stamps |= {path: _stamp(path) for path in files.values()}
        return _Loaded(config=config, context=None if tls is None else _context(tls, files), stamps=stamps)


def _files(tls: TlsServerConfig, folder: Path) -> dict[str, Path]:
    """Return the files that are named, by their key; a relative path is looked for beside the configuration."""
    named = {"cert_file": tls.cert_file, "key_file": tls.key_file, "client_ca_file": tls.client_ca_file}
    return {key: folder / name for key, name in named.items() if name is not None}


def _context(tls: TlsServerConfig, files: Mapping[str, Path]) -> ssl.SSLContext:
    for key, path in files.items():
        if not (path.is_file() and os.access(path, os.R_OK)):
            raise BadInput(f"{path}: {key}: can't be read")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = _VERSIONS[tls.min_version], _VERSIONS[tls.max_version]
    if tls.prefer_server_cipher_suites:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    if tls.cipher_suites:
        context.set_ciphers(":".join(CIPHER_SUITES[name] for name in tls.cipher_suites))
    if tls.client_auth_type in _VERIFY:
        context.verify_mode = _VERIFY[tls.client_auth_type]
    certificate, its_key = files["cert_file"], files["key_file"]
    try:
        context.load_cert_chain(certificate, its_key, password=_no_passphrase)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise BadInput(f"{certificate}, {its_key}: not a certificate and its key: {_reason(error)}") from error
    if "client_ca_file" in files:
        try:
            context.load_verify_locations(files["client_ca_file"])
        except (ssl.SSLError, OSError) as error:
            raise BadInput(f"{files['client_ca_file']}: client_ca_file: no certificates: {_reason(error)}") from error
    return context


def _no_passphrase() -> str:
    """Refuse a key with a passphrase; without this, OpenSSL would ask at the terminal."""
    raise ValueError("the key needs a passphrase")


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", None) or error)


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
