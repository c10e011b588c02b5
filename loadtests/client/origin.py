"""Where the shop is, and whether an address that it names is still there."""

from typing import NamedTuple, Self
from urllib.parse import SplitResult, quote, urljoin, urlsplit

_PORTS = {"http": 80, "https": 443}
_PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F))


class Origin(NamedTuple):
    """The base address: scheme, host and port, and the path that comes before every path."""

    scheme: str
    host: str
    port: int
    prefix: str

    @classmethod
    def of(cls, base_url: str) -> Self:
        """Read a base address; raises ValueError."""
        parts = urlsplit(base_url)
        scheme, host, port = _place(parts)
        if scheme not in _PORTS or not host or port is None:
            raise ValueError("expected a base address of http or https")
        return cls(scheme, host, port, parts.path.rstrip("/"))

    @property
    def secure(self) -> bool:
        """Whether it is reached over TLS."""
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """What the Host header holds."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def leads_away(self, location: str) -> bool:
        """Whether a redirect leaves the origin; what is no address leads nowhere."""
        try:
            target = urlsplit(location)
            if not target.scheme and not target.netloc:
                return False
            return bool(target.netloc) and _place(target, self.scheme) != (self.scheme, self.host, self.port)
        except ValueError:
            return False

    def target_of(self, location: str, path: str) -> str | None:
        """Return where a redirect in answer to `path` leads, below the base address; None when not there.

        RFC 3986, 5.2; the fragment is dropped, and what an address can't hold is percent-encoded as browsers do.
        """
        try:
            plain = quote(location.encode("latin-1", "replace"), safe=_PRINTABLE)
            parts = urlsplit(urljoin(f"{self.scheme}://{self.authority}{self.prefix}{path}", plain))
            if _place(parts) != (self.scheme, self.host, self.port):
                return None
        except ValueError:
            return None
        whole = parts.path or "/"
        if not whole.startswith(f"{self.prefix}/"):
            return None
        below = whole[len(self.prefix) :]
        return f"{below}?{parts.query}" if parts.query else below


def _place(address: SplitResult, scheme: str = "") -> tuple[str, str | None, int | None]:
    scheme = address.scheme or scheme
    return scheme, address.hostname, address.port or _PORTS.get(scheme)
