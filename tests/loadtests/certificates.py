"""A certificate authority of a test's own, made with the openssl command: nothing of it outlives the test."""

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
_CA = """
[req]
distinguished_name = name
x509_extensions = ca
prompt = no
[name]
CN = a test's authority
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
"""


@dataclass(frozen=True)
class Leaf:
    """A certificate and its key."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates; skips the test when there is no openssl that can."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("needs the command openssl to make certificates")
        folder.mkdir(parents=True)
        self._folder = folder
        self.certificate, self._key = folder / "ca.pem", folder / "ca.key"
        config = folder / "ca.cnf"
        config.write_text(_CA)
        self._openssl(
            "req", "-x509", *_CURVE, "-nodes", "-keyout", str(self._key), "-out", str(self.certificate),
            "-config", str(config), "-days", "2",
        )  # fmt: skip

    def sign(self, name: str, *, days: int = 1, passphrase: str | None = None) -> Leaf:
        """Return a certificate for the host or the address `name`, expired when `days` is below zero."""
        stem = name.replace(":", "_").replace("*", "_")
        leaf = Leaf(certificate=self._folder / f"{stem}{days}.pem", key=self._folder / f"{stem}{days}.key")
        request, extensions = self._folder / "leaf.csr", self._folder / "leaf.ext"
        kind = "IP" if name.replace(".", "").isdigit() or ":" in name else "DNS"
        extensions.write_text(
            f"subjectAltName={kind}:{name}\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n"
        )
        hidden = ("-passout", f"pass:{passphrase}") if passphrase else ("-nodes",)
        self._openssl("req", "-new", *_CURVE, *hidden, "-keyout", str(leaf.key), "-out", str(request), "-subj", "/CN=x")
        self._openssl(
            "x509", "-req", "-in", str(request), "-CA", str(self.certificate), "-CAkey", str(self._key),
            "-CAcreateserial", "-days", str(days), "-extfile", str(extensions), "-out", str(leaf.certificate),
        )  # fmt: skip
        return leaf

    def serve(self, leaf: Leaf, clients: Path | None = None) -> ssl.SSLContext:
        """Return a server's context with `leaf`; with `clients` it wants a certificate that this authority signed."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(leaf.certificate, leaf.key)
        if clients is not None:
            context.load_verify_locations(clients)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _openssl(self, *words: str) -> None:
        ended = subprocess.run(["openssl", *words], capture_output=True, text=True, timeout=60, check=False)  # noqa: S607
        if ended.returncode != 0:
            pytest.skip(f"this openssl can't make the certificate: {ended.stderr.strip().splitlines()[-1:]}")
