"""Where the shop is: its base address, and the text of a header that names another."""

from typing import NamedTuple, Self
from urllib.parse import quote, urlsplit

from slo.web_addresses import PORTS, normal_host

_PRINTABLE = "".join(chr(code) for code in range(0x20, 0x7F))
Site = tuple[str, str, int]


class Origin(NamedTuple):
    """The base address: scheme, host (in normal form) and port, and the path that comes before every path."""

    scheme: str
    host: str
    port: int
    prefix: str

    @classmethod
    def of(cls, base_url: str) -> Self:
        """Read a base address; raises ValueError."""
        parts = urlsplit(base_url)
        scheme, host = parts.scheme, parts.hostname
        port = parts.port or PORTS.get(scheme)
        if scheme not in PORTS or not host or port is None:
            raise ValueError("expected a base address of http or https")
        return cls(scheme, normal_host(host), port, parts.path.rstrip("/"))

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
    return location if location.isascii() else quote(location.encode("latin-1", "replace"), safe=_PRINTABLE)
