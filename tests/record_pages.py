"""How the pages of shop records are declared in an environment."""

from typing import Any


def record_pages(**urls: str) -> dict[str, Any]:
    """Return `shop_records` that are read from these addresses, by kind."""
    return {kind: {"http": {"url": url}} for kind, url in urls.items()}
