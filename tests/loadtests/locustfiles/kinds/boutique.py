"""Functions that are given the set, a mapping of weights, the fast client: as in demos of many small services."""

import random

from locust import FastHttpUser, TaskSet, between

PRODUCTS = ["OLJC", "66VC", "1YMW", "L9EC"]


def front(taken):
    taken.client.get("/")


def currency(taken):
    taken.client.post("/currency", {"code": random.choice(["EUR", "GBP"])})


def browse(taken):
    taken.client.get("/product/" + random.choice(PRODUCTS))


def fill(taken):
    product = random.choice(PRODUCTS)
    taken.client.get("/product/" + product)
    taken.client.post("/cart", {"product_id": product, "quantity": random.choice([1, 2, 5])})


def check_out(taken):
    fill(taken)
    taken.client.post("/checkout", {"email": "ada@shop.example", "street": "1 Mill Lane", "card": "4432-8015"})


class Shopping(TaskSet):
    tasks = {front: 1, currency: 2, browse: 6, fill: 2, check_out: 1}

    def on_start(self):
        front(self)


class WebsiteUser(FastHttpUser):
    tasks = [Shopping]
    wait_time = between(0.01, 0.02)
