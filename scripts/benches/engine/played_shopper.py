"""A locustfile as a team has one: what Locust plays with its FastHttpUser, and we play as it is."""

import random

from locust import FastHttpUser, constant, task


class Shopper(FastHttpUser):
    """A shopper who looks around, fills a cart and pays, again and again."""

    wait_time = constant(0)

    @task
    def buy(self) -> None:
        """Do the whole journey."""
        with self.client.get("/api/products", catch_response=True) as reply:
            if reply.json()["ok"] is not True:
                reply.failure("not ok")
        word = f"item{random.randrange(10_000)}"  # noqa: S311 - not a secret
        found = self.client.get(f"/api/search?q={word}", name="/api/search").json()["items"]
        item = random.choice(found)  # noqa: S311 - not a secret
        self.client.post("/api/cart", json={"sku": item["sku"], "qty": 2})
        paid = self.client.post("/api/checkout", json={"card": "4111111111111111", "total": 19.99}, name="pay")
        assert paid.json()["ok"] is True  # noqa: S101 - as locustfiles have it
