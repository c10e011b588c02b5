"""Whether two runs were played under the same conditions: plan, objectives, environment and shop, in words."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from loadtests.run_store.aggregates import Aggregates
from loadtests.run_store.aggregating import IMAGE_FACTS
from slo.findings import Fact
from slo.formatting import clean, clip

_LONGEST = 60
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def differences(one: Aggregates, other: Aggregates) -> tuple[str, ...]:
    """Return in what the conditions of `one` differ from those of `other`; what isn't known of both differs, too.

    The tested image is none of the conditions, and neither is the port of a shop on this machine.
    """
    return tuple(_differences(one, other))


def _differences(one: Aggregates, other: Aggregates) -> Iterator[str]:
    for what, here, there in (
        ("plan", _hashed(one.plan, one.plan_sha256), _hashed(other.plan, other.plan_sha256)),
        ("objectives", _hashed("", one.objectives_sha256), _hashed("", other.objectives_sha256)),
        ("environment", one.environment, other.environment),
        ("shop", _shop(one.base_url), _shop(other.base_url)),
    ):
        if here is None or there is None:
            yield f"{what} not known"
        elif here != there:
            yield f"{what}: {_shown(here)} instead of {_shown(there)}"
    for name in sorted({*one.fingerprint, *other.fingerprint} - {*IMAGE_FACTS}):
        mine, its = one.fingerprint.get(name), other.fingerprint.get(name)
        if mine != its:
            yield f"environment's {_shown(name)}: {_shown(mine)} instead of {_shown(its)}"


def _hashed(name: str | None, sha256: str | None) -> str | None:
    return None if sha256 is None else f"{name or ''} (sha256 {sha256[:12]})".strip()


def _shop(base_url: str | None) -> str | None:
    """Return the address without the port of a shop on this machine, which is another in each run."""
    try:
        parts = urlsplit(base_url or "")
        host = parts.hostname
    except ValueError:
        return base_url
    return f"{parts.scheme}://{host}{parts.path}" if host in _LOOPBACK else base_url


def _shown(value: Fact) -> str:
    return "not declared" if value is None else clip(clean(str(value)), _LONGEST)
