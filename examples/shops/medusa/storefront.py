"""Medusa's store API: JSON; the cart's id is the order's key."""

from peakproof import Shop, journey

FIELDS = "title,variants.sku,+variants.inventory_quantity"
ADDRESS = {"first_name": "Ada", "address_1": "1 High Street", "city": "London", "country_code": "gb"}
REFUSED = {
    "out_of_stock": lambda page: "required inventory" in page.text or "Not enough stock" in page.text,
    "payment_declined": lambda page: "was not authorized with the provider" in page.text,
}
DROP = "Midnight Hoodie"  # of which there are few: not for ordinary shoppers


def in_stock(product, least):
    return [variant for variant in product["variants"] if variant["inventory_quantity"] >= least]


class Medusa(Shop):
    location = "London"

    def headers(self):
        return {"x-publishable-api-key": self.settings["key"]}

    @journey
    def window_shop(self):
        self.arrive()
        self.shelf = [product for product in self.shelf if product["title"] != DROP]
        self.think()
        word = self.pick(self.pick(self.shelf)["title"].split())
        found = self.pick(self.products("search", q=word)["products"])
        self.think()
        return self.products("product", f"/{found['id']}")["product"]

    @journey(buys=True)
    def buy(self):
        seen = self.window_shop(), *self.shuffled(self.shelf)
        left = [one for product in seen if (one := in_stock(product, 2))] or self.nothing_left()
        self.order_of(left[0], self.random.randint(1, 2))

    @journey(buys=True, sold_out_ok=True)
    def flash_drop(self):
        self.arrive(q=DROP)
        self.order_of(in_stock(self.shelf[0], 1) or self.nothing_left(), 1, together=75)

    def arrive(self, **asked):
        self.region = self.get("region", "/store/regions", params={"fields": "id"})["regions.0.id"]
        self.shelf = self.products("home", **asked)["products"]

    def products(self, step, path="", **asked):
        asked |= {"region_id": self.region, "fields": FIELDS}
        return self.get(step, f"/store/products{path}", params=asked)

    def order_of(self, variants, quantity, together=None):
        chosen = self.some(variants)
        items = [{"variant_id": one["id"], "quantity": quantity} for one in chosen]
        asked = {"region_id": self.region, "items": items, "metadata": {"run": self.run}}
        key = self.post("cart", "/store/carts", asked, refused=REFUSED)["cart.id"]
        self.think()
        buyer = {"email": f"{self.canary}@example.com", "shipping_address": ADDRESS}
        self.post("address", f"/store/carts/{key}", buyer)
        by = self.get("shipping-options", "/store/shipping-options", params={"cart_id": key})["shipping_options.0.id"]
        total = self.post("shipping", f"/store/carts/{key}/shipping-methods", {"option_id": by}).cents("cart.total")
        self.think()
        paying = self.post("payment", "/store/payment-collections", {"cart_id": key})["payment_collection.id"]
        card = {"provider_id": "pp_card_card", "data": {"token": self.pick(["ok"] * 99 + ["declined"])}}
        self.post("card", f"/store/payment-collections/{paying}/payment-sessions", card)
        lines = [self.line(one["sku"], quantity) for one in chosen]
        with self.order(lines, total, key=key, together=together) as order:
            done = self.post("checkout", f"/store/carts/{key}/complete", expect={"type": "order"}, refused=REFUSED)
            order.accepted(done["order.id"], cents=done.cents("order.total"))
