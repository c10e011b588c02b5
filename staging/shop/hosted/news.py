"""The news of a hosted payment, and what it makes of the order: the same however often it comes."""

from enum import StrEnum
from typing import Annotated, Protocol

from pydantic import Field, StringConstraints

from staging.database import Database
from staging.shop import orders
from staging.shop.orders import Decline, Order, Status
from staging.web import Payload

Word = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class NewsType(StrEnum):
    """What became of a payment page."""

    CAPTURED = "payment.captured"
    DECLINED = "payment.declined"
    CANCELLED = "payment.cancelled"


class News(Payload):
    """The body of a webhook; `reference` is the order."""

    event_id: Word
    type: Annotated[NewsType, Field(strict=False)]
    payment_id: Word
    reference: Word
    amount_cents: int


class NewsApplying(Protocol):
    """How the news of a payment changes its order."""

    def apply(self, database: Database, order: Order, news: News) -> None:
        """Change the order, `order` being as it was read when the news came."""


class ApplyOnce:
    """Only a pending order changes, so that the same news again changes nothing."""

    def apply(self, database: Database, order: Order, news: News) -> None:
        """Accept the order, or end it and give back what it holds."""
        match news.type:
            case NewsType.CAPTURED:
                orders.accept(database, order.order_id)
            case NewsType.DECLINED:
                orders.release(database, order, Status.DECLINED, Decline.CARD_DECLINED)
            case NewsType.CANCELLED:
                orders.release(database, order, Status.DECLINED, Decline.CANCELLED)
