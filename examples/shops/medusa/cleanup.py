"""Medusa after a run: its admin API cancels an order, gives the stock back and refunds what was captured."""

from peakproof import Shop, cleanup


class AfterARun(Shop):
    def headers(self):
        return {"Authorization": f"Basic {self.settings['admin_key']}"}

    @cleanup("order")
    def cancel(self, order):
        was_before = {"gone": lambda page: page.status == 404 or "has been canceled" in page.text}
        self.post("cancel", f"/admin/orders/{order.id}/cancel", {}, refused=was_before)
