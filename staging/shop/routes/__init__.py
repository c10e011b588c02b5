"""The routes of the public application that belong to a cart, an order, a customer, an offer."""
