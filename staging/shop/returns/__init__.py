"""Returns: an order comes back, its stock is put back and its payment refunded."""
