"""Pages and forms with a CSRF token, a set within a set, names for what belongs together: a shop of a web framework."""

import re

from locust import HttpUser, TaskSet, between, task


def token_of(page):
    return re.search(r'csrfmiddlewaretoken" value="([^"]+)"', page.text).group(1)


class Basket(TaskSet):
    def on_start(self):
        self.client.get("/basket/", name="basket")

    @task(2)
    def add(self):
        with self.client.get("/catalogue/the-tee_%d/" % 17, name="product", catch_response=True) as page:
            if "the-tee" not in page.text:
                page.failure("not the product")
        self.client.post("/basket/add/17/", data={"quantity": "1"}, name="add to basket")

    @task
    def leave(self):
        self.interrupt(reschedule=False)


class Customer(HttpUser):
    wait_time = between(0.01, 0.02)
    tasks = {Basket: 2}

    def on_start(self):
        page = self.client.get("/login/")
        answer = self.client.post(
            "/login/",
            {"username": "ada", "csrfmiddlewaretoken": token_of(page)},
            headers={"X-CSRFToken": page.cookies["csrftoken"], "Referer": self.host + "/login/"},
        )
        assert answer.url.endswith("/account"), answer.url
        assert answer.history[0].status_code == 302
        self.client.cookies.set("consent", "all")

    @task
    def account(self):
        with self.client.rename_request("account"):
            self.client.get("/account")

    def on_stop(self):
        self.client.cookies.clear()
        with self.client.get("/account", catch_response=True, name="after logout") as answer:
            if answer.status_code == 401:
                answer.success()
