"""The parts of a replica that serve its requests."""

from dataclasses import dataclass

from staging.database import Database
from staging.shop.catalogue import Catalogue
from staging.shop.checkout import Checkout
from staging.shop.funnel import Funnel
from staging.shop.releases.releases import CurrentRelease
from staging.shop.search import SearchIndex
from staging.shop.tracking import Tracking


@dataclass(frozen=True, slots=True, kw_only=True)
class Storefront:
    """The parts of one replica."""

    catalogue: Catalogue
    index: SearchIndex
    database: Database
    checkout: Checkout
    funnel: Funnel
    release: CurrentRelease
    tracking: Tracking
