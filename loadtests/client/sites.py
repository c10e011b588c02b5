"""Which hosts are of one site, as cookies take it: the registrable domain above them, by the Public Suffix List."""

from functools import cache, lru_cache

from publicsuffixlist import PublicSuffixList

from loadtests.client.origin import Origin
from loadtests.environment.proxy_rules import is_address

_KNOWN = 1024


def site_of(origin: Origin) -> tuple[str, str]:
    """Return the site of an origin (HTML, 7.1.1): its scheme, and its registrable domain.

    An address is a site of its own, and so is a name that is a public suffix, such as a single label.
    """
    return origin.scheme, _registrable(origin.host.rstrip("."))


def own_labels(host: str) -> tuple[tuple[str, ...], str]:
    """Return what an owner named of a host in lower case: the labels below the registered domain, and that one's own.

    The registered domain of `a.b.shop.co.uk` is shop.co.uk: `(("a", "b"), "shop")`.
    """
    name = host.rstrip(".").lower()
    domain = _registrable(name)
    below = name.removesuffix(domain).rstrip(".")
    return tuple(below.split(".")) if below else (), domain.partition(".")[0]


@lru_cache(_KNOWN)
def is_public_suffix(domain: str) -> bool:
    """Whether names are registered directly below `domain`: no cookie may be for all of them."""
    return bool(_suffixes().publicsuffix(domain) == domain)


@lru_cache(_KNOWN)
def _registrable(host: str) -> str:
    return host if is_address(host) else str(_suffixes().privatesuffix(host) or host)


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()
