"""As a recorder writes it: every header of a browser, requests one after the other, sleeps between them."""

from time import sleep

from locust import FastHttpUser, run_single_user, task


class Recorded(FastHttpUser):
    host = "http://localhost:8069"
    default_headers = {"accept-language": "en-US,en;q=0.9", "sec-ch-ua-mobile": "?0"}

    @task
    def t(self):
        self.client.cookies.clear() if hasattr(self.client, "cookies") else self.client.cookiejar.clear()
        with self.client.request(
            "GET",
            "/shop",
            headers={
                "accept": "text/html,*/*;q=0.8",
                "accept-encoding": "gzip, deflate, br, zstd",
                "connection": "keep-alive",
                "upgrade-insecure-requests": "1",
                "user-agent": "Mozilla/5.0",
            },
            catch_response=True,
        ) as resp:
            pass
        sleep(0.02)
        with self.rest("POST", "/api/cart", json={"line_id": None, "product_id": 51, "add_qty": 1}) as resp:
            if resp.js["path"] != "cart":
                resp.failure("no cart")


if __name__ == "__main__":
    run_single_user(Recorded)
