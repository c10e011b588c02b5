"""Payments made on a page of the payment provider: opened, returned from, told by webhook."""
