"""A browser to the eye of a debugging pipe: `python fake_browser.py MODE LOG …`, the pipe on descriptors 3 and 4.

It writes what it was told to LOG, a JSON object a line, its command line and its variables first.
"""

import json
import os
import sys
import time
from typing import Any

TIMINGS = {
    "ttfb": 12.5, "first_paint": 30, "first_contentful_paint": 40.0, "largest_contentful_paint": None,
    "dom_content_loaded": 55, "load": 80,
}  # fmt: skip
FOREIGN = "http://foreign.example/x.png"


class FakeBrowser:
    def __init__(self, mode: str, log: str) -> None:
        self.mode, self.log = mode, log
        self.url, self.views = "", 0

    def note(self, told: object) -> None:
        with open(self.log, "a", encoding="utf-8") as file:  # noqa: PTH123 - a program of its own
            file.write(json.dumps(told) + "\n")

    def say(self, message: dict[str, Any]) -> None:
        os.write(4, json.dumps(message).encode() + b"\0")

    def event(self, method: str, **told: Any) -> None:
        self.say({"method": method, "params": told, "sessionId": "s1"})

    def listen(self) -> None:
        kept = b""
        while block := os.read(3, 65536):
            *messages, kept = (kept + block).split(b"\0")
            for message in messages:
                told = json.loads(message)
                self.note(told)
                self.answer(told)

    def answer(self, told: dict[str, Any]) -> None:
        method, given = told["method"], told["params"]
        if self.mode == "silent" or (self.mode == "hung" and method.startswith("Runtime")):
            return
        if self.mode == "nonsense" and method == "Page.navigate":
            os.write(4, b"\xff not JSON\0")
            return
        if self.mode == "crash" and method == "Page.navigate" and self.views == 1:
            os._exit(3)
        if self.mode == "refuses" and method == "Fetch.enable":
            self.say({"id": told["id"], "error": {"message": "no such thing"}})
            return
        results: dict[str, Any] = {
            "Browser.getVersion": {"product": "Fake/1"},
            "Target.createBrowserContext": {"browserContextId": "c1"},
            "Target.createTarget": {"targetId": "t1"},
            "Target.attachToTarget": {"sessionId": "s1"},
            "Page.getFrameTree": {"frameTree": {"frame": {"id": "f1"}}},
            "Page.createIsolatedWorld": {"executionContextId": 7},
            "Page.navigate": {"frameId": "f1", **({"errorText": "net::ERR_REFUSED"} if self.mode == "refused" else {})},
        }
        if method == "Runtime.evaluate":
            value = TIMINGS if "PerformanceObserver" in given["expression"] else self.links()
            results[method] = {"result": {"value": value}}
        if method == "Page.navigate":
            self.url = given["url"]
            self.views += 1
            self.event("Page.loadEventFired")  # of what was there before
            request = {"url": self.url, "headers": {"Accept": "text/html"}}
            self.event("Network.requestWillBeSent", requestId="L", loaderId="L", type="Document", request=request)
            self.event("Fetch.requestPaused", requestId="main", request=request)
            self.event("Network.requestWillBeSent", requestId="i", loaderId="L", request={"url": FOREIGN})
            self.event("Fetch.requestPaused", requestId="foreign", request={"url": FOREIGN, "headers": {}})
        self.say({"id": told["id"], "result": results.get(method, {})})
        if method == "Fetch.continueRequest":
            self.event("Network.responseReceived", requestId="L", response={"status": self.status()})
            self.event("Network.loadingFinished", requestId="L", encodedDataLength=1500)
        if method == "Fetch.failRequest":
            self.event("Network.loadingFailed", requestId="i", errorText="net::ERR_BLOCKED_BY_CLIENT.Inspector")
            if self.mode != "slow":
                self.event("Page.loadEventFired")

    def status(self) -> int:
        return 503 if self.mode == "broken shop" else 200

    def links(self) -> list[object]:
        base = self.url.split("/")[0] + "//" + self.url.split("/")[2]
        if self.mode == "no links":
            return [7, "mailto:a@b.example", "http://foreign.example/search?q=a"]
        return [FOREIGN, None, f"{base}/search?q=tea", f"{base}/products/tee", "http://foreign.example/products/x"]


if __name__ == "__main__":
    mode, log, *rest = sys.argv[1:]
    one = FakeBrowser(mode, log)
    one.note({"pid": os.getpid(), "arguments": rest, "variables": sorted(os.environ)})
    one.listen()
    if mode == "stubborn":
        while True:
            time.sleep(1)
