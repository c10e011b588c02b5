"""The names that a storefront of your own imports; docs/write-a-storefront.md shows how.

What is here stays: a name is taken away, or changes what it means, only with a new `INTERFACE`.
"""

from loadtests.results.ledger import Line
from loadtests.storefronts.amounts import cents
from loadtests.storefronts.html import Element, Form
from loadtests.storefronts.journey import journey
from loadtests.storefronts.order import Order
from loadtests.storefronts.order import RefusedError as Refused
from loadtests.storefronts.page import Page
from loadtests.storefronts.shop import Shop

INTERFACE = 1

__all__ = ["INTERFACE", "Element", "Form", "Line", "Order", "Page", "Refused", "Shop", "cents", "journey"]
