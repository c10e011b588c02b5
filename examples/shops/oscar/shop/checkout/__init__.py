"""Oscar's checkout with a payment by card."""
