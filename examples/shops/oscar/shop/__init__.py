"""The shop: Oscar, with a payment by card and something to sell."""
