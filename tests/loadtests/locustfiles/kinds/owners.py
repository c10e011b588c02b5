"""Every method, uploads, typed bodies, sessions' headers, sleeps within a task, times and statuses that are looked at."""

import io
import time

import requests
from locust import HttpUser, between, task
from locust.exception import RescheduleTask


class Clerk(HttpUser):
    wait_time = between(0.01, 0.02)

    def on_start(self):
        self.client.headers.update({"X-Clerk": "7"})
        self.client.auth = ("clerk", "word")

    @task(2)
    def owners(self):
        answer = self.client.get(
            "/echo/owners", params={"lastName": ["Davis", "Ng"], "page": 1}, cookies={"lang": "en"}
        )
        answer.raise_for_status()
        told = answer.json()
        assert told["query"] == {"lastName": ["Davis", "Ng"], "page": ["1"]}, told
        assert told["cookies"]["lang"] == "en"
        assert answer.elapsed.total_seconds() < 5
        assert answer.headers["Content-Type"].startswith("application/json")

    @task
    def edit(self):
        self.client.put("/echo/owners/12", json={"name": "Zoë"})
        time.sleep(0.01)
        self.client.patch("/echo/owners/12", data=b"\x00\x01", headers={"Content-Type": "application/octet-stream"})
        self.client.head("/echo/owners/12")
        self.client.options("/echo/owners/12")

    @task
    def picture(self):
        files = {"photo": ("cat.png", io.BytesIO(b"\x89PNG"), "image/png")}
        told = self.client.post("/echo/pictures", data={"title": "Cat"}, files=files).json()
        assert told["headers"]["Content-Type"].startswith("multipart/form-data; boundary=")
        assert "cat.png" in told["body"]

    @task
    def missing(self):
        answer = self.client.get("/status/404", name="missing owner")
        try:
            answer.raise_for_status()
        except requests.exceptions.HTTPError:
            raise RescheduleTask
