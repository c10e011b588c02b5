"""The part `orders` of exporters.yaml: which environment's shop records are read, how often, and what is promised."""

from typing import Annotated

from pydantic import Field

from loadtests.environment.target_fields import File, Label
from slo.documents import Document

DAY_S = 86_400.0
Share = Annotated[float, Field(gt=0, lt=1)]


class FunnelSteps(Document):
    """The names that the shop's funnel has for a visit, a filled cart and an order."""

    visit: str = "session"
    cart: str = "cart"
    order: str = "order"


class Fulfilment(Document):
    """What is promised: from placing an order to its shipment, and the part of it that printing and packing take."""

    promise_s: float | None = Field(None, gt=0, description="needed where the records have no due_at")
    print_s: float = Field(0.0, ge=0, description="that an order takes from the press to its shipment")


class LateOrders(Document):
    """How many late orders are too many: a share of those of a day, and an absolute number of overdue ones."""

    share: Share = 0.05
    most: int | None = Field(None, ge=1)


class Declines(Document):
    """The share of payments that is usually declined, and how much of the recent past is compared with it."""

    usual: Share = 0.05
    window_s: int = Field(900, ge=60, le=86_400)


class OrdersConfig(Document):
    """Which shop records are read; `follow_s` is how long an accepted order is followed until it is shipped."""

    targets: File = "targets.yaml"
    environment: Label
    every_s: float = Field(30.0, ge=1, le=3600, description="the records are read at most this often")
    include_tests: bool = Field(default=False, description="count the orders that a load test placed, too")
    follow_s: float = Field(14 * DAY_S, ge=DAY_S, le=90 * DAY_S)
    funnel: FunnelSteps = FunnelSteps()
    fulfilment: Fulfilment = Fulfilment()
    late: LateOrders = LateOrders()
    declines: Declines = Declines()
