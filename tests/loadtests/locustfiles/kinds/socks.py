"""Two kinds of users by weight, Basic authorisation made by hand, a basket that is emptied first."""

import base64
from random import choice

from locust import HttpUser, constant_throughput, task


class Looker(HttpUser):
    weight = 6
    wait_time = constant_throughput(50)

    @task
    def look(self):
        self.client.get("/")
        found = self.client.get("/api/products").json()["products"]
        self.client.get("/detail.html?id={}".format(choice(found)["id"]))


class Buyer(HttpUser):
    weight = 1
    wait_time = constant_throughput(50)

    @task
    def buy(self):
        word = base64.b64encode(b"ada:secret").decode("ascii")
        self.client.get("/login", headers={"Authorization": "Basic %s" % word})
        found = choice(self.client.get("/api/products").json()["products"])
        self.client.delete("/cart")
        self.client.post("/cart", json={"id": found["id"], "quantity": 1})
        self.client.get("/basket.html")
        self.client.post("/checkout")
