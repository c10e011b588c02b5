"""Twisted Threads' customers: logged in, in a flash drop, paying on the provider's page, returning what they ordered.

The login provider and the payment provider are hosts of their own, `login` and `payments` in targets.yaml.
"""

from typing import Any
from urllib.parse import quote

from loadtests.shopper.rows import Account
from loadtests.storefronts.journey import journey
from loadtests.storefronts.order import OUT_OF_STOCK
from loadtests.storefronts.page import Page
from loadtests.storefronts.shop import ACCOUNT_LOCKED
from loadtests.storefronts.storefront import Storefront
from loadtests.storefronts.twisted_threads import NEWS, Buying, check_price, styles_of
from loadtests.storefronts.twisted_threads_cleanup import CleaningUp

NAME = "twisted-threads"
# All who come within so many seconds press the button at the same moment.
_DROP_EVERY_S = 5.0
_ACCEPTED, _PENDING, _LOCKED, _CREATED = 200, 202, 423, 201
_MOST_LOOKS = 4


class NoAccountError(Exception):
    """A journey of customers in an environment that declares no accounts for them."""


class TwistedThreads(CleaningUp, Buying):
    """One shopper in the stand-in shop."""

    @journey(buys=True, sold_out_ok=True)
    def flash_drop(self) -> None:
        """Want what there is little of, and press the button with everybody else."""
        self.get("home", "/")
        self.think()
        drops = self.get("drops", "/drops")["drops"]
        if not drops:
            self.nothing_left()
        self.open_product(drops)
        self.think()
        lines = [self.line(self.pick(drops[0]["skus"])["sku"])]
        total_cents = self.put_into_cart(lines)
        self.place(lines, total_cents, {"method": "ship"}, together=_DROP_EVERY_S)

    @journey(customer=True)
    def personalised_home(self) -> None:
        """Log in, and look at what is recommended to this customer."""
        home = self._log_in("/")
        if not home["customer.customer_id"]:
            home.wrong("customer: nobody is logged in")
        self.found = styles_of(home, "recommended")
        self.think()
        self.open_product(self.found)

    @journey(customer=True)
    def order_status(self) -> None:
        """Log in, and look up the last order."""
        self._log_in("/account")
        self.think()
        orders = self.get("orders", "/account/orders")["orders"]
        if orders:
            self.think()
            self._look_up(str(orders[0]["order_id"]))

    @journey(buys=True)
    def hosted_payment(self) -> None:
        """Find something, and pay for it on the payment provider's own page."""
        self.browse()
        self.think()
        lines = self.choose_lines("ship")
        if not lines:
            self.nothing_left()
        total_cents = self.put_into_cart(lines)
        self.think()
        with self.order(lines, total_cents) as order:
            placed = self.post(
                "checkout",
                "/checkout",
                {"delivery": {"method": "ship", "name": self.canary}, "payment": {"hosted": True}},
                headers={"Idempotency-Key": order.key},
                expect=_PENDING,
                refused={OUT_OF_STOCK: 409},
            )
            check_price(placed, total_cents)
            order.accepted(placed["order_id"], cents=total_cents, status=self._pay(placed).status)
            events = str(placed["events_url"])
        if order.placed:
            self.follow(order.order_id, events)

    @journey(buys=True, name="return")
    def send_back(self) -> None:
        """Buy something, and send it back."""
        self.browse()
        if order_id := self.buy("ship"):
            self.think()
            path = f"/orders/{quote(order_id, safe='')}/returns"
            sent = self.post("return", path, {"reason": "too small"}, expect=_CREATED)
            self.think()
            self.get(
                "return-status", f"/returns/{quote(str(sent['return_id']), safe='')}", expect={"order_id": order_id}
            )

    def _pay(self, placed: Page) -> Page:
        """Pay on the provider's page, and come back until the shop has heard of it; a declined card raises Refused."""
        page = self.open("payment-page", str(placed["payment_url"]))
        self.think()
        declined = {"payment_declined": 402}
        form, values = page.form("#payment"), {"card_token": self.card(), "action": "pay"}
        back = self.submit("pay", form, values, follow="payment-return", expect={200, _PENDING}, refused=declined)
        looks = 1
        while back.status != _ACCEPTED:
            if looks == _MOST_LOOKS:
                back.wrong("the payment was made, and the shop hasn't heard of it")
            self.think()
            back, looks = self.get("payment-return", back.path, expect={200, _PENDING}, refused=declined), looks + 1
        return back

    def _look_up(self, order_id: str) -> None:
        self.get("order-status", f"/orders/{quote(order_id, safe='')}", expect={"order_id": order_id})

    def _log_in(self, to: str) -> Page:
        """Log the session's customer in, a new one by registering; return the page at the path `to`."""
        account = self.account
        if account is None:
            raise NoAccountError(
                "this journey needs a customer: declare accounts with share: {guest: 0, …} (docs/contracts.md)"
            )
        refused = {ACCOUNT_LOCKED: _LOCKED}
        new = {"new": 1} if account.is_new else {}
        page = self.get("login", "/login", params={"next": to, **new}, follow="login-form")
        self.think()
        if not account.is_new:
            return self.submit(
                "login-submit", page.form("#login"), _login(account), follow="login-return", refused=refused
            )
        values = {**_login(account), "name": f"{account['first_name']} {account['last_name']}"}
        return self.submit("login-submit", page.form("#register"), values, follow="login-return")


def _login(account: Account) -> dict[str, Any]:
    return {"user": account.user, "password": account.password}


STOREFRONT = Storefront.of(
    NAME,
    TwistedThreads,
    methods={
        **dict.fromkeys(("home", "search", "product", "order-status", "order-stream", "drops", "orders"), "GET"),
        **dict.fromkeys(
            ("login", "login-form", "login-return", "payment-page", "payment-return", "return-status"), "GET"
        ),
        **dict.fromkeys(("design", "cart", "checkout", "login-submit", "pay", "return"), "POST"),
        **dict.fromkeys((f"order-{status}" for status in NEWS), "PUSH"),
    },
)
