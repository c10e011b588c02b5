"""Where the shop is: its base address, and addresses that its pages and redirects name."""

from typing import NamedTuple, Self
from urllib.parse import SplitResult, quote, urljoin, urlsplit

PORTS = {"http": 80, "https": 443}
_PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F))
_UNSEEN = dict.fromkeys((*range(0x20), 0x7F))
Site = tuple[str, str, int]


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
        if scheme not in PORTS or not host or port is None:
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
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def name(self) -> str:
        """The origin as one writes it: `https://shop.example`."""
        return f"{self.scheme}://{self.authority}"

    @property
    def site(self) -> Site:
        """What two addresses of one origin have in common; a name's last dot is no difference."""
        return self.scheme, self.host.rstrip("."), self.port


def header_text(location: str) -> str:
    """Return a header's value, which was decoded as Latin-1, as the address that its bytes are."""
    return quote(location.translate(_UNSEEN).encode("latin-1", "replace"), safe=f"{_PRINTABLE} ")


def joined(base: str, address: str) -> str | None:
    """Return an address that a page names as a whole one, None when it isn't one of http or https.

    As browsers do (WHATWG URL, 4.4): control characters go, a backslash is a slash, what isn't ASCII is encoded.
    """
    before, query, after = address.translate(_UNSEEN).strip().partition("?")
    plain = quote(f"{before.replace(chr(92), '/')}{query}{after}", safe=_PRINTABLE, errors="replace")
    try:
        whole = urljoin(base, plain)
    except ValueError:
        return None
    return whole if whole.lower().startswith(("http://", "https://")) else None


def _place(address: SplitResult) -> tuple[str, str | None, int | None]:
    return address.scheme, address.hostname, address.port or PORTS.get(address.scheme)
