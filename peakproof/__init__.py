"""The names that a storefront or shop records of your own import; docs/write-a-storefront.md shows how.

What is here stays: a name is taken away, or changes what it means, only with a new `INTERFACE`.
"""

from loadtests.audit.own_records import FunnelRecord, OrderRecord, PaymentRecord, ShopRecords, StockRecord
from loadtests.locustfiles.canary import canary
from loadtests.locustfiles.order import LocustfileOrder, order
from loadtests.results.created import Created
from loadtests.results.ledger import Line
from loadtests.shopper.rows import Account, Row
from loadtests.storefronts.amounts import cents
from loadtests.storefronts.cleaning import cleanup
from loadtests.storefronts.html import Element, Form
from loadtests.storefronts.journey import journey
from loadtests.storefronts.order import Order
from loadtests.storefronts.order import RefusedError as Refused
from loadtests.storefronts.page import Page
from loadtests.storefronts.shop import Shop

INTERFACE = 1

__all__ = [
    "INTERFACE",
    "Account",
    "Created",
    "Element",
    "Form",
    "FunnelRecord",
    "Line",
    "LocustfileOrder",
    "Order",
    "OrderRecord",
    "Page",
    "PaymentRecord",
    "Refused",
    "Row",
    "Shop",
    "ShopRecords",
    "StockRecord",
    "canary",
    "cents",
    "cleanup",
    "journey",
    "order",
]
