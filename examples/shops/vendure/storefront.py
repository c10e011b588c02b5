"""Vendure's shop API: GraphQL on one path, the session in a cookie, refusals with status 200."""

from peakproof import Shop, journey

ORDER = "{ __typename ... on Order { code totalWithTax } ... on ErrorResult { errorCode message } }"
HOME = "query home { search(input: {groupByProduct: true}) { items { slug productName } } }"
SEARCH = "query search($of: String) { search(input: {groupByProduct: true, term: $of}) { items { slug productName } } }"
PRODUCT = "query product($of: String) { product(slug: $of) { variants { id sku stockLevel priceWithTax } } }"
CART = f"mutation cart($id: ID!, $of: Int!) {{ order: addItemToOrder(productVariantId: $id, quantity: $of) {ORDER} }}"
ADDRESS = f"""mutation address($mail: String!, $run: String) {{
    setCustomerForOrder(input: {{firstName: "Ada", lastName: "Lee", emailAddress: $mail}}) {{ __typename }}
    setOrderCustomFields(input: {{customFields: {{run: $run}}}}) {{ __typename }}
    order: setOrderShippingAddress(input: {{streetLine1: "1 High Street", countryCode: "GB"}}) {ORDER} }}"""
METHODS = "query methods { eligibleShippingMethods { id } eligiblePaymentMethods { code } }"
WHY = ORDER.replace("message", "message } ... on OrderStateTransitionError { transitionError")
DELIVERY = f"""mutation delivery($by: [ID!]!) {{ setOrderShippingMethod(shippingMethodId: $by) {{ __typename }}
    order: transitionOrderToState(state: "ArrangingPayment") {WHY} }}"""
PAYMENT = f"mutation payment($by: PaymentInput!) {{ order: addPaymentToOrder(input: $by) {ORDER} }}"
REFUSED = {
    "out_of_stock": lambda page: "insufficient stock" in page.text,
    "payment_declined": {"order.errorCode": "PAYMENT_DECLINED_ERROR"},
}
DROP = "midnight-hoodie"  # of which there are few: not for ordinary shoppers


class Vendure(Shop):
    location = "Default Stock Location"
    graphql_path = "/shop-api"

    def change(self, step, query, **variables):
        is_order = {"order.__typename": "Order"}
        return self.graphql(step, query, variables, expect=is_order, refused=REFUSED)["order"]

    def variants(self, slug):
        seen = self.graphql("product", PRODUCT, {"of": slug})["product.variants"]
        return [variant for variant in seen if variant["stockLevel"] != "OUT_OF_STOCK"]

    @journey
    def window_shop(self):
        shelf = [item for item in self.graphql("home", HOME)["search.items"] if item["slug"] != DROP]
        self.think()
        word = self.pick(self.pick(shelf)["productName"].split())
        found = self.graphql("search", SEARCH, {"of": word})["search.items"]
        self.think()
        return self.variants(self.pick(found)["slug"])

    @journey(buys=True)
    def buy(self):
        self.order_of(self.window_shop() or self.variants("twisted-tee") or self.nothing_left(), 2)

    @journey(buys=True, sold_out_ok=True)
    def flash_drop(self):
        self.order_of(self.variants(DROP) or self.nothing_left(), 1, together=30)

    def order_of(self, variants, quantity, together=None):
        chosen = self.some(variants)
        for variant in chosen:
            self.change("cart", CART, id=variant["id"], of=quantity)
        self.think()
        self.change("address", ADDRESS, mail=f"{self.canary}@example.com", run=self.run)
        by = self.graphql("methods", METHODS)
        order = self.change("delivery", DELIVERY, by=[by["eligibleShippingMethods.0.id"]])
        declined = {"shouldDecline": self.random.random() < 0.01}
        card = {"method": by["eligiblePaymentMethods.0.code"], "metadata": declined}
        lines = [self.line(variant["sku"], quantity) for variant in chosen]
        with self.order(lines, order["totalWithTax"], key=order["code"], together=together) as placed:
            paid = self.change("payment", PAYMENT, by=card)
            placed.accepted(paid["code"], cents=paid["totalWithTax"])
