"""What the audit compares, promise by promise: the ledger against the orders, the payments and the stock."""

from collections.abc import Callable

from loadtests.audit.evidence import Compared, Evidence
from loadtests.audit.order_checks import (
    order_as_promised,
    order_exists,
    order_once,
    order_settled,
    refused_not_ordered,
)
from loadtests.audit.payment_checks import no_payment_without_order, paid_once, paid_right_amount
from loadtests.audit.stock_checks import stock_moved, stock_not_negative

COMPARISONS: tuple[tuple[str, tuple[str, ...], Callable[[Evidence], Compared]], ...] = (
    ("order-exists", ("orders",), order_exists),
    ("order-once", ("orders",), order_once),
    ("order-as-promised", ("orders",), order_as_promised),
    ("refused-not-ordered", ("orders",), refused_not_ordered),
    ("order-settled", ("orders",), order_settled),
    ("paid-once", ("orders", "payments"), paid_once),
    ("paid-right-amount", ("orders", "payments"), paid_right_amount),
    ("no-payment-without-order", ("orders", "payments"), no_payment_without_order),
    ("stock-moved-by-what-was-sold", ("orders", "stock"), stock_moved),
    ("stock-not-negative", ("stock",), stock_not_negative),
)
