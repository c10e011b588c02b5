"""Offers: coupons, gift cards, and drops with little stock."""
