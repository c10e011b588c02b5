"""Oscar after a run: orders cancelled in its dashboard, by a member of staff."""

from peakproof import Shop, cleanup

LOGIN = "/en-gb/dashboard/login/"


class AfterARun(Shop):
    def begin(self):
        who = {"username": self.settings["user"], "password": self.settings["password"]}
        form = self.get("login", LOGIN).form("#dashboard_login_form")
        self.submit("login-submit", form, who, expect=302, follow=False)

    @cleanup("order")
    def cancel(self, order):
        ended = {"gone": lambda page: page.status == 404 or not page.select("#order_status_form [name=new_status]")}
        form = self.get("order", f"/en-gb/dashboard/orders/{order.id}/", refused=ended).form("#order_status_form")
        done = self.submit("cancel", form, {"new_status": "Cancelled"})
        if done.select("#order_status_form [name=new_status]"):
            done.wrong("the order can still be cancelled")
