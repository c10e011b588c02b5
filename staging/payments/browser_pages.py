"""Payment pages over HTTP: a shop opens one, its shopper pays there and is sent back."""

from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from flask import Flask, Response, jsonify, request
from pydantic import StringConstraints, ValidationError

from staging import forms
from staging.payments.app import PaymentRequest, Terminal, Word
from staging.payments.book import Book, Payment
from staging.payments.payment_pages import PageRequest, PaymentPage, PaymentPages
from staging.payments.webhooks import Webhooks
from staging.web import Payload, RefusedError, not_found, read_body, require_token

CSRF = forms.CsrfCookie("pay_csrf")
HttpUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s?#]+$", max_length=500)]
# What the shopper brings back; nothing is decided by it.
_RESULTS = {"captured": "paid", "refunded": "paid", "declined": "declined", "cancelled": "cancelled"}
_ERRORS = {
    "csrf": (HTTPStatus.FORBIDDEN, "This form is not from this page. Go back and try again."),
    "card_token": (HTTPStatus.UNPROCESSABLE_ENTITY, "No such card."),
}


class PageBody(Payload):
    """The body of `POST /payment-pages`."""

    idempotency_key: Word
    reference: Word
    amount_cents: int
    currency: str
    return_url: HttpUrl
    webhook_url: HttpUrl


class ExpiryRequest(Payload):
    """The body of `POST /payments/expire`."""

    reference: Word
    amount_cents: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedPayments:
    """The parts of the provider that pages need; `public_url` is None where the called one is it."""

    book: Book
    terminal: Terminal
    pages: PaymentPages
    webhooks: Webhooks
    public_url: str | None

    def resume(self) -> None:
        """Send the news that an earlier process left."""
        for page in self.pages.not_notified():
            payment = self.book.find(page.page_id)
            if payment is not None:
                self.webhooks.tell(page, payment)

    def pay(self, page: PaymentPage, card_token: str) -> Payment:
        """Return the page's one payment, made now or before; ValidationError for what isn't a card's token."""
        asked = page.request
        entered = self.payment_of(page) is None and self.terminal.enter(
            PaymentRequest(
                idempotency_key=page.page_id,
                reference=asked.reference,
                amount_cents=asked.amount_cents,
                currency=asked.currency,
                card_token=card_token,
            )
        )
        return self._over(page, entered=entered)

    def cancel(self, page: PaymentPage) -> Payment:
        """Return the page's one payment: given up, unless it was made before."""
        asked = page.request
        entered = self.book.enter(
            page.page_id,
            reference=asked.reference,
            amount_cents=asked.amount_cents,
            currency=asked.currency,
            status="cancelled",
        )
        return self._over(page, entered=entered)

    def payment_of(self, page: PaymentPage) -> Payment | None:
        """Return the page's one payment; a page that was opened too late has the one that was cancelled before."""
        return self.book.find(page.page_id) or self.book.find(page.request.reference)

    def expire(self, asked: ExpiryRequest) -> Payment:
        """Return the one payment of a reference: cancelled now, and for good, where none was made before."""
        if (payment := self.book.of_reference(asked.reference)) is not None:
            return payment
        if (page := self.pages.of_reference(asked.reference)) is not None:
            return self.cancel(page)
        key = asked.reference  # which is that of a payment by card
        self.book.enter(key, **asked.model_dump(), status="cancelled")
        payment = self.book.find(key)
        if payment is None:
            raise not_found("no such payment")
        return payment

    def _over(self, page: PaymentPage, *, entered: bool) -> Payment:
        payment = self.payment_of(page)
        if payment is None:
            raise not_found("no such payment")
        if entered:
            self.webhooks.tell(page, payment)
        return payment


def add_browser_pages(app: Flask, hosted: HostedPayments, token: str) -> None:
    """Add the pages to the provider's application."""

    @app.post("/payment-pages")
    def open_page() -> tuple[Response, HTTPStatus]:
        require_token(token)
        asked = PageRequest(**read_body(PageBody).model_dump())
        page, new = hosted.pages.open(asked)
        if asdict(page.request) != asdict(asked):
            raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, error="idempotency_key_reused")
        url = f"{hosted.public_url or request.host_url.rstrip('/')}/pay/{page.page_id}"
        return jsonify(page_id=page.page_id, url=url), HTTPStatus.CREATED if new else HTTPStatus.OK

    @app.post("/payments/expire")
    def expire() -> Response:
        require_token(token)
        payment = hosted.expire(read_body(ExpiryRequest))
        return jsonify(payment_id=payment.payment_id, status=payment.status)

    @app.get("/pay/<page_id>")
    def payment_form(page_id: str) -> Response:
        page = _page_of(hosted, page_id)
        payment = hosted.payment_of(page)
        return _form_page(page) if payment is None else _back(page, payment)

    @app.post("/pay/<page_id>")
    def pay_there(page_id: str) -> Response:
        page = _page_of(hosted, page_id)
        if not CSRF.is_right():
            return _form_page(page, "csrf")
        if request.form.get("action") == "cancel":
            return _back(page, hosted.cancel(page))
        try:
            return _back(page, hosted.pay(page, request.form.get("card_token", "")))
        except ValidationError:
            return _form_page(page, "card_token")


def _page_of(hosted: HostedPayments, page_id: str) -> PaymentPage:
    page = hosted.pages.find(page_id)
    if page is None:
        raise not_found("no such payment page")
    return page


def _form_page(page: PaymentPage, wrong: str | None = None) -> Response:
    status, text = _ERRORS[wrong] if wrong else (HTTPStatus.OK, "")
    token = CSRF.token()
    fields = (
        forms.hidden({"csrf": token})
        + forms.field("card_token", "Card")
        + forms.select("action", "Then", [("pay", "pay", True), ("cancel", "cancel", True)])
    )
    body = (
        (forms.error(wrong, text) if wrong else "")
        + f'<p id="amount" data-cents="{page.request.amount_cents}">£{page.request.amount_cents / 100:.2f}</p>'
        + forms.form("payment", f"/pay/{page.page_id}", fields, button="Continue")
    )
    return CSRF.keep(forms.document("Payment", body, status), token)


def _back(page: PaymentPage, payment: Payment) -> Response:
    query = urlencode({"order": page.request.reference, "result": _RESULTS[payment.status]})
    headers = {"Location": f"{page.request.return_url}?{query}", "Cache-Control": "no-store"}
    return Response(status=HTTPStatus.SEE_OTHER, headers=headers)
