"""A task that is a whole visit: an id of its own, headers of a proxy, a cart by that id, steps that depend on replies."""

import logging
from json.decoder import JSONDecodeError
from random import choice, randint

from locust import HttpUser, between, task

ADDRESSES = ["192.0.2.1", "198.51.100.7", "203.0.113.9"]


class Visitor(HttpUser):
    wait_time = between(0, 0.01)

    def on_start(self):
        self.address = choice(ADDRESSES)
        self.login()

    def login(self):
        answer = self.client.post("/api/token", json={"name": "user", "password": "password"})
        logging.info("login %s", answer.status_code)

    @task
    def load(self):
        head = {"x-forwarded-for": self.address}
        self.client.get("/", headers=head)
        try:
            products = self.client.get("/api/products", headers=head).json()["products"]
        except JSONDecodeError:
            return
        for _ in range(2):
            item = choice(products)
            if randint(1, 10) <= 3:
                self.client.put("/api/ratings/{}/{}".format(item["id"], randint(1, 5)), headers=head)
            self.client.get("/api/cart/add/{}/{}/1".format("ada", item["id"]), headers=head)
        shipping = self.client.get("/api/shipping/{}".format(item["id"]), headers=head).json()
        self.client.post("/api/pay/ada", json={"items": 2, "shipping": shipping}, headers=head)
