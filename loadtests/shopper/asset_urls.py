"""Where a page's assets are: at the shop, at its CDN, or at a host that may not be loaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, urljoin, urlsplit

from loadtests.client.origin import Origin
from loadtests.shopper.html_links import links_of

_PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F))
_UNSEEN = dict.fromkeys((*range(0x20), 0x7F))
_KNOWN_PAGES = 64
_KNOWN_BYTES = 256 << 10
_KNOWN_ADDRESSES = 8192
Site = tuple[str, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page's assets: step and target (path and query) of each, and how many were left out, by reason."""

    wanted: tuple[tuple[str, str], ...]
    left_out: Mapping[str, int]


class AssetUrls:
    """Finds the assets of one environment's pages; pages and addresses that were seen before aren't read again.

    `origins` maps a step to the origin whose assets are recorded under it; an origin's path is where they begin.
    """

    def __init__(self, shop: Origin, origins: Mapping[str, Origin]) -> None:
        self._shop = shop
        self._origins = {origin[:3]: (step, origin.prefix) for step, origin in reversed(tuple(origins.items()))}
        self._pages: dict[tuple[str, bytes], Found] = {}
        self._located = lru_cache(_KNOWN_ADDRESSES)(located)

    def of(self, path: str, page: bytes) -> Found:
        """Return the assets of the page at `path`, below the shop's base address."""
        base = f"{self._shop.scheme}://{self._shop.authority}{self._shop.prefix}{path.partition('?')[0]}"
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
            base = _joined(base, links.base) or base
        wanted: dict[tuple[str, str], None] = {}
        elsewhere = 0
        for address in links.addresses:
            place = self._located(base, address)
            if place is None:
                continue
            site, target = place
            step, prefix = self._origins.get(site, ("", ""))
            if step and target.startswith(f"{prefix}/"):
                wanted[step, target] = None
            else:
                elsewhere += 1
        left_out = {"other_host": elsewhere, "too_many": links.left_out}
        return Found(wanted=tuple(wanted), left_out={reason: count for reason, count in left_out.items() if count})


def located(base: str, address: str) -> tuple[Site, str] | None:
    """Return the site and the target of an address in a page; None for what no request is sent for (`data:`, …).

    What has a name or a password in it is at no site, as browsers have it.
    """
    try:
        joined = _joined(base, address)
        if joined is None:
            return None
        parts = urlsplit(joined)
        site: Site = Origin.of(joined)[:3]
    except ValueError:
        return ("", "", 0), ""
    if parts.username is not None or parts.password is not None:
        return ("", "", 0), ""
    return site, f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"


def _joined(base: str, address: str) -> str | None:
    """Return an address that a page names as a whole one, None when it isn't one of http or https.

    As browsers do (WHATWG URL, 4.4): control characters go, a backslash is a slash, what isn't ASCII is encoded.
    """
    before, query, after = address.translate(_UNSEEN).strip().partition("?")
    plain = quote(f"{before.replace(chr(92), '/')}{query}{after}", safe=_PRINTABLE, errors="replace")
    try:
        joined = urljoin(base, plain)
    except ValueError:
        return None
    return joined if joined.lower().startswith(("http://", "https://")) else None
