"""The bodies that the shop takes."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from staging.shop.catalogue import COLOURS, STORES
from staging.shop.designs import LONGEST_TEXT
from staging.shop.offers.vouchers import MOST_CENTS, MOST_PERCENT
from staging.web import Payload

MOST_LINES = 50
MOST_OF_A_LINE = 99
MOST_LEVELS = 10_000
Name = Annotated[str, StringConstraints(min_length=1, max_length=80)]
# A card token is the payment provider's name for a card; nothing that looks like a card's number fits.
CardToken = Annotated[str, StringConstraints(pattern=r"^tok_[a-z_]{1,40}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9-]{4,40}$")]
PrintedText = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TEXT, pattern=r"^[^\x00-\x1f\x7f]*$")]


class DesignBody(Payload):
    """The body of `POST /designs`."""

    style: Name
    colour: Literal[*COLOURS]  # type: ignore[valid-type]  # the checker can't unpack a tuple here
    text: PrintedText


class LineBody(Payload):
    """A line of `POST /cart`."""

    sku: Name
    quantity: Annotated[int, Field(ge=1, le=MOST_OF_A_LINE)]
    design_id: Name | None = None


class CodesBody(Payload):
    """The body of `POST /cart/codes`."""

    coupon: Code | None = None
    gift_card: Code | None = None


class CartBody(CodesBody):
    """The body of `POST /cart`."""

    lines: Annotated[list[LineBody], Field(min_length=1, max_length=MOST_LINES)]


# Of whoever the order is for, as a parcel's label has it.
Recipient = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Ship(Payload):
    """Delivery from the warehouse."""

    method: Literal["ship"]
    name: Recipient | None = None


class Collect(Payload):
    """Collection in a store."""

    method: Literal["collect"]
    name: Recipient | None = None
    location: Literal[*STORES]  # type: ignore[valid-type]  # as above


class PaymentBody(Payload):
    """How to pay: by a card, or on a page of the payment provider."""

    card_token: CardToken = ""
    hosted: bool = False

    @model_validator(mode="after")
    def _one_of_them(self) -> "PaymentBody":
        if self.hosted is bool(self.card_token):
            raise ValueError("card_token, or hosted: true")
        return self


class CheckoutBody(Payload):
    """The body of `POST /checkout`."""

    delivery: Annotated[Ship | Collect, Field(discriminator="method")]
    payment: PaymentBody


class ReturnBody(Payload):
    """The body of `POST /orders/<id>/returns`."""

    reason: PrintedText | None = None


class ConsentBody(Payload):
    """The body of `POST /consent`."""

    choice: Literal["all", "necessary"]


class CouponBody(Payload):
    """A coupon in `PUT /admin/vouchers`."""

    code: Code
    kind: Literal["coupon"]
    percent: Annotated[int, Field(ge=1, le=MOST_PERCENT)]
    uses: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None


class GiftCardBody(Payload):
    """A gift card in `PUT /admin/vouchers`."""

    code: Code
    kind: Literal["gift-card"]
    cents: Annotated[int, Field(ge=1, le=MOST_CENTS)]


class VouchersBody(Payload):
    """The body of `PUT /admin/vouchers`."""

    vouchers: Annotated[
        list[Annotated[CouponBody | GiftCardBody, Field(discriminator="kind")]],
        Field(min_length=1, max_length=MOST_LEVELS),
    ]


class DropBody(Payload):
    """The body of `PUT /admin/drops`."""

    opens_at: Annotated[int, Field(ge=0, lt=1 << 63)]


class ReleaseBody(Payload):
    """The body of `PUT /admin/release`."""

    release: Name


class LevelBody(Payload):
    """A row of `PUT /admin/stock`."""

    sku: Name
    location: Name
    quantity: Annotated[int, Field(ge=0, le=1_000_000_000)]


class StockBody(Payload):
    """The body of `PUT /admin/stock`."""

    stock: Annotated[list[LevelBody], Field(max_length=MOST_LEVELS)]
