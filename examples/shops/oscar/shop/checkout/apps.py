"""Oscar's checkout, with views of this shop before Oscar's own."""

from oscar.apps.checkout import apps


class CheckoutConfig(apps.CheckoutConfig):
    """Found by Oscar under the label that its own checkout has."""

    name = "shop.checkout"
