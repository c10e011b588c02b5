"""django-oscar as a guest sees it: HTML, forms with CSRF tokens, redirects."""

from peakproof import Shop, cents, journey

HOME = "/en-gb/catalogue/"
PRODUCTS = "article.product_pod h3 a"
ADDRESS = {"first_name": "Ada", "line1": "1 High Street", "line4": "London", "postcode": "N1 9GU"}
REFUSED = {
    "out_of_stock": lambda page: page.path.endswith("/basket/"),
    "payment_declined": lambda page: page.select("#payment-error"),
}


class Oscar(Shop):
    location = "London"

    @journey
    def window_shop(self):
        self.open("product", self.pick(self.browse()))

    @journey(buys=True)
    def buy(self):
        lines, found = [], self.shuffled(self.browse())
        for link in found[: self.random.randint(*self.cart_lines)]:
            lines += self.into_basket(link, self.random.randint(1, 2))
            self.think()
        if not lines:
            self.nothing_left()
        self.check_out(lines)

    @journey(buys=True, sold_out_ok=True)
    def flash_drop(self):
        hoodie = self.get("category", f"{HOME}category/drop_3/").one(PRODUCTS)
        self.think()
        lines = self.into_basket(hoodie, 1) or self.nothing_left()
        self.check_out(lines, together=30)

    def browse(self):
        home = self.get("home", HOME)
        self.think()
        shelf = self.open("category", self.pick(home.select(".side_categories a[href*='/category/']")))
        self.think()
        word = self.pick(shelf.select(PRODUCTS)).text.split()[-1]
        found = self.submit("search", shelf.form("form[action$='/search/']"), {"q": word})
        self.think()
        return found.select(PRODUCTS)

    def into_basket(self, link, quantity):
        product = self.open("product", link)
        if not product.select(".availability.instock"):
            return []
        sku = product.one("table tr:first-child td").text
        self.think()
        self.submit("basket", product.form("#add_to_basket_form"), {"quantity": quantity})
        return [self.line(sku, quantity)]

    def check_out(self, lines, together=None):
        key = f"{self.run}/{self.session}"
        guest = self.get("guest", "/en-gb/checkout/", refused=REFUSED).form("form:has([name=username])")
        self.think()
        address = self.submit("guest", guest, {"username": f"guest-{self.session}@example.com"}, refused=REFUSED)
        self.think()
        address = address.form("#new_shipping_address")
        payment = self.submit("address", address, {**ADDRESS, "last_name": self.canary, "notes": key}, refused=REFUSED)
        self.think()
        card = "tok_declined" if self.random.random() < 0.01 else "tok_ok"
        preview = self.submit("payment", payment.form("#payment_form"), {"card_token": card}, refused=REFUSED)
        self.think()
        with self.order(lines, cents(preview.one("td.total").text), key=key, together=together) as order:
            done = self.submit("checkout", preview.form("#place_order_form"), refused=REFUSED)
            order.accepted(done.one(".lead strong").text)
