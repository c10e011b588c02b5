"""What a run created in a shop, as those see it who remove it."""

from dataclasses import dataclass
from typing import Final

from loadtests.results.ledger import Line

ORDER: Final = "order"
# What the ledger calls the account that a new customer registers.
ACCOUNT: Final = "account"


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """One thing that a run created in the shop, as a method marked `@cleanup` is given it.

    `id` is the shop's own word for it, "" where that isn't known; `session` the session that it is of, None of an order
    that only the shop knows. Of an order: `key` is what the storefront gave it, `status` the shop's word for what has
    become of it, "" where the shop's records don't say.
    """

    kind: str
    id: str = ""
    session: int | None = None
    key: str = ""
    lines: tuple[Line, ...] = ()
    amount_cents: int = 0
    status: str = ""
