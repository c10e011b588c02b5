"""Payment by card: a token on the payment page, charged when the order is placed."""

from django import forms
from oscar.apps.checkout import views
from oscar.apps.payment.exceptions import UnableToTakePayment
from oscar.apps.payment.models import Source, SourceType, Transaction

DECLINED = "tok_declined"


class CardForm(forms.Form):
    """What a provider's script in the browser would fill in."""

    card_token = forms.CharField(max_length=64)


class PaymentDetailsView(views.PaymentDetailsView):
    """Asks for the card, carries it through the preview, and charges it."""

    def get_context_data(self, **kwargs):
        """Show an empty form, or the one that was sent."""
        return super().get_context_data(**{"card_form": CardForm(), **kwargs})

    def handle_payment_details_submission(self, request):
        """Preview the order with the card in a hidden form."""
        form = CardForm(request.POST)
        show = self.render_preview if form.is_valid() else self.render_payment_details
        return show(request, card_form=form)

    def handle_place_order_submission(self, request):
        """Place the order with the card of the hidden form."""
        form = CardForm(request.POST)
        if not form.is_valid():
            return self.render_payment_details(request, card_form=form)
        submission = self.build_submission(payment_kwargs={"card_form": form})
        return self.submit(**submission)

    def handle_payment(self, order_number, total, **kwargs):
        """Charge the card and note the charge for the order that is about to be made."""
        token = kwargs["card_form"].cleaned_data["card_token"]
        if token == DECLINED:
            raise UnableToTakePayment("The card was declined")
        kind, _ = SourceType.objects.get_or_create(name="Card")
        source = Source(
            source_type=kind, currency=total.currency, amount_allocated=total.incl_tax, amount_debited=total.incl_tax
        )
        source.create_deferred_transaction(Transaction.DEBIT, total.incl_tax, reference=order_number, status="captured")
        self.add_payment_source(source)
        self.add_payment_event("Captured", total.incl_tax, reference=order_number)
