"""The customer of a request: by the cookie `customer`, set when they came back from the login provider."""

from http import HTTPStatus

from flask import request

from staging.shop.customers.customers import Customer
from staging.shop.storefront import Storefront
from staging.web import RefusedError

COOKIE = "customer"
LONGEST_COOKIE = 64


def cookie() -> str | None:
    """Return the request's cookie; None, too, for one that the shop never sets."""
    sent = request.cookies.get(COOKIE, "")
    return sent if 0 < len(sent) <= LONGEST_COOKIE and sent.isalnum() else None


def find_customer(shop: Storefront) -> Customer | None:
    """Return the request's customer; without the cookie no statement is run."""
    sent = cookie()
    return shop.customers.find(sent) if sent is not None else None


def require_customer(shop: Storefront) -> Customer:
    """Return the request's customer; 401 without one, 423 when the shop has locked them."""
    customer = find_customer(shop)
    if customer is None:
        raise RefusedError(HTTPStatus.UNAUTHORIZED, error="not_logged_in")
    require_admitted(shop)
    return customer


def require_admitted(shop: Storefront) -> None:
    """Refuse the request with 423 when the shop has locked its customers."""
    if not shop.release.get().behaviour.admits_customers:
        raise RefusedError(HTTPStatus.LOCKED, error="account_locked")
