"""Where a page's assets are: at the shop's hosts, at its CDN, or at a host that may not be loaded."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from loadtests.client.origin import Origin
from loadtests.shopper.html_links import links_of
from slo.web_addresses import joined

_KNOWN_PAGES = 64
_KNOWN_BYTES = 256 << 10
_KNOWN_ADDRESSES = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page's assets: host and target (path and query) of each, and how many were left out, by reason.

    `undeclared` counts those at no declared host, by origin.
    """

    wanted: tuple[tuple[str | None, str], ...]
    left_out: Mapping[str, int]
    undeclared: Mapping[str, int]


class AssetUrls:
    """Finds the assets of one environment's pages; pages and addresses that were seen before aren't read again.

    `hosts` are the declared hosts by label, `base_url`'s under None; assets are `wanted` from some of them. A host's
    path is where its assets begin, but for `base_url`'s, whose assets may be anywhere at its origin.
    """

    def __init__(self, hosts: Mapping[str | None, Origin], wanted: frozenset[str | None]) -> None:
        self._hosts, self._wanted = hosts, wanted
        self._labels = {origin.site: label for label, origin in hosts.items()}
        self._pages: dict[tuple[str, bytes], Found] = {}
        self._located = lru_cache(_KNOWN_ADDRESSES)(located)

    def of(self, host: str | None, path: str, page: bytes) -> Found:
        """Return the assets of the page at `path`, below the address of `host`."""
        origin = self._hosts[host]
        base = f"{origin.name}{origin.prefix}{path.partition('?')[0]}"
        if len(page) > _KNOWN_BYTES:
            return self._find(base, page)
        known = self._pages.get((base, page))
        if known is None:
            if len(self._pages) >= _KNOWN_PAGES:
                self._pages.clear()
            known = self._pages[base, page] = self._find(base, page)
        return known

    def _find(self, base: str, page: bytes) -> Found:
        links = links_of(page)
        if links.base is not None:
            with suppress(ValueError):  # a base that is no address is none (HTML, 4.2.3)
                base = joined(base, links.base) or base
        wanted: dict[tuple[str | None, str], None] = {}
        elsewhere, undeclared = 0, Counter[str]()
        for address in links.addresses:
            place = self._located(base, address)
            if place is None:
                continue
            origin, target = place
            if origin is not None and self._is_wanted(origin, target):
                wanted[self._labels[origin.site], target] = None
                continue
            elsewhere += 1
            if origin is not None and origin.site not in self._labels:
                undeclared[origin.name] += 1
        left_out = {"other_host": elsewhere, "too_many": links.left_out}
        counts = {reason: count for reason, count in left_out.items() if count}
        return Found(wanted=tuple(wanted), left_out=counts, undeclared=undeclared)

    def _is_wanted(self, origin: Origin, target: str) -> bool:
        label = self._labels.get(origin.site, "")
        prefix = "" if label is None else self._hosts[label].prefix if label in self._wanted else ""
        return label in self._wanted and target.startswith(f"{prefix}/")


def located(base: str, address: str) -> tuple[Origin | None, str] | None:
    """Return the origin and the target of an address in a page; None for what no request is sent for (`data:`, …).

    What has a name or a password in it is at no origin, as browsers have it.
    """
    try:
        whole = joined(base, address)
        if whole is None:
            return None
        parts = urlsplit(whole)
        origin = Origin.of(whole)
    except ValueError:
        return None, ""
    if parts.username is not None or parts.password is not None:
        return None, ""
    return origin, f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
