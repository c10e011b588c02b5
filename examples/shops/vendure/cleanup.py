"""Vendure after a run: payments refunded and orders cancelled over its admin API, by an administrator."""

from peakproof import Shop, cleanup

LOGIN = (
    "mutation login($user: String!, $password: String!) { login(username: $user, password: $password) { __typename } }"
)
FIND = """query find($code: String!) { orders(options: {filter: {code: {eq: $code}}}) { items {
    id state payments { id state amount refunds { id state } } } } }"""
REFUND = """mutation refund($of: ID!, $amount: Money!) {
    refundOrder(input: {paymentId: $of, amount: $amount, lines: [], shipping: 0, adjustment: 0}) {
        __typename ... on Refund { id state } } }"""
SETTLE = """mutation settle($id: ID!) {
    settleRefund(input: {id: $id, transactionId: "cleanup"}) { __typename ... on Refund { state } } }"""
CANCEL = "mutation cancel($id: ID!) { cancelOrder(input: {orderId: $id, cancelShipping: true}) { __typename } }"


class AfterARun(Shop):
    graphql_path = "/admin-api"

    def begin(self):
        is_in = {"login.__typename": "CurrentUser"}
        self.graphql("login", LOGIN, {name: self.settings[name] for name in ("user", "password")}, expect=is_in)

    @cleanup("order")
    def cancel(self, order):
        found = self.graphql("find", FIND, {"code": order.id}, refused={"gone": {"orders.items": []}})
        for payment in found["orders.items.0.payments"]:
            self.pay_back(payment)
        of = {"id": found["orders.items.0.id"]}  # the last step: an order that is cancelled isn't asked for again
        if found["orders.items.0.state"] != "Cancelled":
            self.graphql("cancel", CANCEL, of, expect={"cancelOrder.__typename": "Order"})

    def pay_back(self, payment):
        made = payment["refunds"]
        if payment["state"] == "Settled" and not made:
            of, is_made = {"of": payment["id"], "amount": payment["amount"]}, {"refundOrder.__typename": "Refund"}
            made = [self.graphql("refund", REFUND, of, expect=is_made)["refundOrder"]]
        for refund in made:
            if refund["state"] != "Settled":
                done = {"settleRefund.state": "Settled"}
                self.graphql("settle", SETTLE, {"id": refund["id"]}, expect=done)
