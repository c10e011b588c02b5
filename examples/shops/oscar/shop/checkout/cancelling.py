"""What Oscar leaves to each shop when an order is cancelled: its stock is free again, and its card is paid back."""

from django.dispatch import receiver
from oscar.apps.order.processing import EventHandler
from oscar.apps.order.signals import order_status_changed


@receiver(order_status_changed)
def give_back(order, new_status, **_):
    """Free the stock that the order holds, and refund what is left of each payment."""
    if new_status != "Cancelled":
        return
    EventHandler().cancel_stock_allocations(order)
    for source in order.sources.all():
        source.refund(source.amount_debited - source.amount_refunded, reference=order.number, status="refunded")
