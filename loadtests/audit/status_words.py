"""What shops and payment providers call the status of an order or of a payment, and what we call it.

A word that isn't here, and that `status` doesn't give, is unknown: it is never taken for a success or a failure.
Words that mean different things in two of the sources are left out.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

UNKNOWN: Final = "unknown"

# Stripe (PaymentIntent.status): https://docs.stripe.com/payments/paymentintents/lifecycle
# Adyen (payment status): https://docs.adyen.com/account/payments-lifecycle
# PayPal (capture status, authorization status): https://developer.paypal.com/docs/api/payments/v2/
# Mollie (payment status): https://docs.mollie.com/docs/status-change
# Braintree (transaction status): https://developer.paypal.com/braintree/docs/reference/general/statuses
_PAYMENTS: Mapping[str, tuple[str, ...]] = {
    "authorised": ("authorized", "requires_capture"),
    "captured": (
        "succeeded", "paid", "completed", "settled", "settling", "submitted_for_settlement", "sentforsettle",
        "settledbulk",
    ),
    "pending": (
        "processing", "open", "requires_action", "requires_confirmation", "requires_payment_method", "authorizing",
        "settlement_pending", "received",
    ),
    "declined": ("refused", "denied", "processor_declined", "gateway_rejected", "settlement_declined"),
    "failed": ("error", "capturefailed"),
    "cancelled": ("canceled", "voided", "expired", "authorization_expired"),
    "refunded": (),
}  # fmt: skip
# WooCommerce: https://woocommerce.com/document/managing-orders/order-statuses/
# Adobe Commerce: https://experienceleague.adobe.com/en/docs/commerce-admin/stores-sales/order-management/orders/order-status
# Vendure: https://docs.vendure.io/guides/core-concepts/orders/
_ORDERS: Mapping[str, tuple[str, ...]] = {
    "accepted": (
        "processing", "complete", "completed", "paid", "shipped", "partiallyshipped", "delivered", "partiallydelivered",
        "paymentsettled", "paymentauthorized",
    ),
    "invoiced": (),
    "pending": ("pending_payment",),
    "declined": (),
    "failed": (),
    "cancelled": ("canceled", "voided"),
    "returned": (),
    "refunded": (),
}  # fmt: skip
KNOWN: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType({"orders": _ORDERS, "payments": _PAYMENTS})


class Words:
    """The words of one kind: those that are known, and over them those that `given` maps ours to."""

    def __init__(self, kind: str, given: Mapping[str, tuple[str, ...]]) -> None:
        known = KNOWN[kind]
        self._ours = {ours: ours for ours in known}
        self._ours |= {word: ours for ours, words in known.items() for word in words}
        self._ours |= {_plain(word): ours for ours, words in given.items() for word in words}

    def ours(self, word: object) -> str:
        """Return our word for one of theirs; `unknown` for one that nobody gave, and for none."""
        if not isinstance(word, str):
            return self._ours.get(_plain(str(word)), UNKNOWN) if isinstance(word, int) else UNKNOWN
        found = self._ours.get(word)
        return found if found is not None else self._ours.get(_plain(word), UNKNOWN)


def _plain(word: str) -> str:
    """Return a word in one spelling: `SentForSettle`, `sent for settle` and `sent-for-settle` differ in nothing."""
    return word.strip().casefold().replace(" ", "_").replace("-", "_")
