"""Oscar's checkout, with views of this shop before Oscar's own."""

from oscar.apps.checkout import apps


class CheckoutConfig(apps.CheckoutConfig):
    """Found by Oscar under the label that its own checkout has."""

    name = "shop.checkout"

    def ready(self):
        """Listen for orders that are cancelled."""
        super().ready()
        from shop.checkout import cancelling  # noqa: F401, PLC0415 - models are there only now
