"""Where an address leads among the declared hosts of an environment; what leads elsewhere is counted, by origin."""

from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from urllib.parse import urlsplit

from loadtests.client.origin import Origin, header_text
from loadtests.client.sites import site_of
from slo.web_addresses import joined

MAX_NAMES = 100
"""How many origins are counted by name: their names are the shop's to choose."""
OTHERS = "others"


class UndeclaredHostError(ValueError):
    """An address leads to a host that the environment doesn't declare; `origin` is where."""

    def __init__(self, origin: str) -> None:
        super().__init__(f"{origin} isn't declared; declare it under hosts to let sessions go there")
        self.origin = origin


class Locations:
    """The declared hosts: an origin for each label, None for `base_url`'s.

    `undeclared` counts, by origin, how often an address led to none of them.
    """

    def __init__(self, origins: Mapping[str | None, Origin], undeclared: Counter[str] | None = None) -> None:
        self._origins = dict(origins)
        self._labels = {origin.site: label for label, origin in reversed(self._origins.items())}
        sites = {label: site_of(origin) for label, origin in self._origins.items()} if len(self._origins) > 1 else {}
        self._apart = {(page, host) for page in sites for host in sites if sites[page] != sites[host]}
        self.undeclared: Counter[str] = Counter() if undeclared is None else undeclared

    def locate(self, url: str, host: str | None, path: str) -> tuple[str | None, str]:
        """Return the label and the path below its address that `url` leads to, on the page at `path` of `host`.

        The fragment is left out, and so is a name with a password. Raises UndeclaredHostError, which is counted, and
        ValueError for what is no address of http or https or lies above the path of its host's address.
        """
        origin = self._origins[host]
        whole = joined(f"{origin.name}{origin.prefix}{path}", url)
        if whole is None:
            raise ValueError("not an address of http or https")
        there = Origin.of(whole)
        if there.site not in self._labels:
            count_origin(self.undeclared, there.name)
            raise UndeclaredHostError(there.name)
        label, parts = self._labels[there.site], urlsplit(whole)
        prefix, target = self._origins[label].prefix, parts.path or "/"
        if not target.startswith(f"{prefix}/"):
            raise ValueError(f"not below {prefix}")
        below = target[len(prefix) :]
        return label, f"{below}?{parts.query}" if parts.query else below

    def redirect(self, location: str, host: str | None, path: str) -> tuple[str | None, str]:
        """Return where a redirect in answer to `path` of `host` leads; raises like `locate`."""
        return self.locate(header_text(location), host, path)

    def crosses(self, page: str | None, host: str | None) -> bool:
        """Whether a request that a page at the host `page` causes to `host` leaves the page's site."""
        return (page, host) in self._apart

    @cached_property
    def at_root(self) -> "Locations":
        """The same with every path below its origin, not below its host's address."""
        if not any(origin.prefix for origin in self._origins.values()):
            return self
        return Locations({label: one._replace(prefix="") for label, one in self._origins.items()}, self.undeclared)


def count_origin(counts: Counter[str], origin: str, times: int = 1) -> None:
    """Count an origin by name, as long as there aren't too many names."""
    counts[origin if origin in counts or len(counts) < MAX_NAMES else OTHERS] += times
