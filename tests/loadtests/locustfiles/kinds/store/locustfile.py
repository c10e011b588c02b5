"""A package beside the file, accounts from a CSV file, a sequence, an order that the audit knows."""

import csv
import os

from flows import Browse
from flows.tokens import bearer
from locust import FastHttpUser, SequentialTaskSet, between, events, task

import peakproof

HERE = os.path.dirname(os.path.abspath(__file__))
ACCOUNTS = []


@events.test_start.add_listener
def read_accounts(environment, **kwargs):
    with open(os.path.join(HERE, "data", "accounts.csv"), newline="") as file:
        ACCOUNTS.extend(csv.DictReader(file))


class Purchase(SequentialTaskSet):
    def on_start(self):
        self.account = ACCOUNTS[0]

    @task
    def sign_in(self):
        with self.user.rest("POST", "/api/token", json={"user": self.account["user"]}) as answer:
            self.token = answer.js["token"]

    browse = task(Browse)

    @task
    def pay(self):
        head = bearer(self.token)
        with peakproof.order({"tee-s": 1}, 1999, number="order.number") as order:
            self.client.post("/api/orders", json={"sku": "tee-s", "key": order.key}, headers=head, name="pay")


class Customer(FastHttpUser):
    wait_time = between(0.01, 0.02)
    tasks = [Purchase]
