"""`manage.py seed`: tables, static files, a catalogue with stock, and one product of which there are few."""

import os
from decimal import Decimal
from itertools import product

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import transaction
from django.db.models import F
from oscar.apps.address.models import Country
from oscar.apps.analytics.models import ProductRecord
from oscar.apps.catalogue.categories import create_from_breadcrumbs
from oscar.apps.catalogue.models import Product, ProductClass
from oscar.apps.partner.models import Partner, StockRecord

COLOURS = ("Amber", "Black", "Coral", "Denim", "Emerald", "Fern")
THINGS = {"Knitwear": ("scarf", "jumper"), "Kitchen": ("teapot", "apron")}
DROP = "DROP-1"
PLENTY = 1_000_000
STAFF = "staff@example.com"


class Command(BaseCommand):
    """Fills an empty shop; in a filled one, puts the stock back to what it was at first."""

    help = "fill the shop, or put its stock back"

    def add_arguments(self, parser):
        """Let the drop's stock be chosen."""
        parser.add_argument("--drop", type=int, default=5, help="units of the product that few can have")

    def handle(self, *args, drop, **options):
        """Make what isn't there yet, set all stock, and let the search know."""
        call_command("migrate", verbosity=0)
        call_command("collectstatic", verbosity=0, interactive=False)
        with transaction.atomic():
            self._fill(drop)
        _hire(os.environ.get("OSCAR_STAFF_PASSWORD"))
        call_command("update_index", verbosity=0)
        self.stdout.write(f"{Product.objects.count()} products, {drop} of {DROP}")

    def _fill(self, drop):
        Country.objects.get_or_create(
            iso_3166_1_a2="GB",
            defaults={"printable_name": "United Kingdom", "name": "United Kingdom", "is_shipping_country": True},
        )
        for category, things in THINGS.items():
            for number, (thing, colour) in enumerate(product(things, COLOURS), 1):
                sku = f"{category[:4].upper()}-{number}"
                _stock(sku, f"{colour} {thing}", category, Decimal("9.90") + number, PLENTY)
        _stock(DROP, "Midnight hoodie", "Drop", Decimal("45.00"), drop)


def _hire(password):
    """Make the member of staff who cancels orders, if there is a password for them."""
    staff = get_user_model().objects
    if password and not staff.filter(email=STAFF).exists():
        staff.create_superuser(STAFF, STAFF, password)


def _stock(sku, title, category, price, units):
    kind, _ = ProductClass.objects.get_or_create(name="Goods")
    partner, _ = Partner.objects.get_or_create(name="London")
    made, is_new = Product.objects.get_or_create(upc=sku, defaults={"title": title, "product_class": kind})
    if is_new:
        shelf = create_from_breadcrumbs(category)
        if sku == DROP:  # reached by its address, not by the menu
            type(shelf).objects.filter(pk=shelf.pk).update(exclude_from_menu=True)
        made.categories.add(shelf)
        # Two first views at once would both add this row; on PostgreSQL one of them would be an error 500.
        ProductRecord.objects.create(product=made)
        StockRecord.objects.create(
            product=made,
            partner=partner,
            partner_sku=sku,
            price=price,
            price_currency="GBP",
            num_in_stock=0,
            num_allocated=0,
        )
    # What was sold stays allocated until it is shipped.
    StockRecord.objects.filter(partner_sku=sku).update(num_in_stock=units + F("num_allocated"))
