"""Twisted Threads after a run: orders cancelled and paid back, customers forgotten, by the stand-in's admin interface.

It is the host `admin` of the environment's `cleanup`, whose setting `token` it wants to see.
"""

from collections.abc import Mapping
from urllib.parse import quote

from loadtests.results.created import ORDER, Created
from loadtests.storefronts.cleaning import GONE, cleanup
from loadtests.storefronts.shop import Shop

_ADMIN, _LOGIN = "admin", "login"
_NO_CONTENT, _NOT_FOUND, _CONFLICT = 204, 404, 409


class NoAdminError(Exception):
    """An environment that declares no admin interface for its cleanup."""


class CleaningUp(Shop):
    """What removes what shoppers left behind."""

    @cleanup(ORDER)
    def cancel_order(self, order: Created) -> None:
        """Cancel an order: its units go back into the stock, and its money to the card."""
        path = f"/admin/orders/{quote(order.id, safe='')}/cancel"
        gone = {GONE: {_NOT_FOUND, _CONFLICT}}
        self.post("cancel-order", path, host=_ADMIN, headers=self._admin(), refused=gone)

    @cleanup("account")
    def forget_customer(self, _: Created) -> None:
        """Remove the customer that the session registered, in the shop and then at the login provider."""
        if self.account is None:
            return
        user, headers = quote(self.account.user, safe=""), self._admin()
        at_shop = f"/admin/customers/{user}"
        self.delete("forget-customer", at_shop, host=_ADMIN, headers=headers, expect={_NO_CONTENT, _NOT_FOUND})
        at_login = f"/admin/accounts/{user}"
        self.delete("remove-account", at_login, host=_LOGIN, headers=headers, refused={GONE: _NOT_FOUND})

    def _admin(self) -> Mapping[str, str]:
        token = self.settings.get("token")
        if token is None:
            raise NoAdminError(
                "declare cleanup: {hosts: {admin: {url: …}}, settings: {token: {env: …}}} (docs/cleanup.md)"
            )
        return {"Authorization": f"Bearer {token}"}
