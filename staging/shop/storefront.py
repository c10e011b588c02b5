"""The parts of a replica that serve its requests."""

from dataclasses import dataclass

from flask import request

from staging.database import Database
from staging.derived_keys import Keys
from staging.shop.catalogue import Catalogue
from staging.shop.checkout import Checkout
from staging.shop.customers.customers import Customers
from staging.shop.customers.openid import OpenIdClient
from staging.shop.funnel import Funnel
from staging.shop.offers.drops import Drops
from staging.shop.printing.queue import PrintQueue
from staging.shop.reconciliation import Reconciliation
from staging.shop.releases.releases import CurrentRelease
from staging.shop.returns.returns import Returns
from staging.shop.search import SearchIndex
from staging.shop.tracking import Tracking


@dataclass(frozen=True, slots=True, kw_only=True)
class Storefront:
    """The parts of one replica.

    `login` is None in a shop without a login provider; `public_url` where the shop is known as it is called.
    """

    catalogue: Catalogue
    index: SearchIndex
    database: Database
    checkout: Checkout
    funnel: Funnel
    release: CurrentRelease
    tracking: Tracking
    customers: Customers
    login: OpenIdClient | None
    drops: Drops
    returns: Returns
    printing: PrintQueue
    reconciliation: Reconciliation
    keys: Keys
    public_url: str | None

    def origin(self) -> str:
        """Return the shop's own origin as the request's sender knows it, without a last slash."""
        return self.public_url or request.host_url.rstrip("/")
