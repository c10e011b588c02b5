"""Record two shoppers' visits to a shop of this folder with a headless Chromium, as HAR files to import.

    python -m pip install 'peakproof[browser]'
    python examples/shops/record_visit.py oscar http://127.0.0.1:8000 visit.har again.har

The second shopper is another one: another product, another name and address. Oscar's own pages are walked through.
Vendure and Medusa have none: `page.html` beside them does with their API what their storefronts do, and is itself left
out of the recording. What stood in cookies and keys is replaced, file by file, and bodies that no shopper reads
(styles, scripts, images) are left out. A file named .gz is compressed.
"""

import argparse
import gzip
import json
import os
import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
READ = ("text/html", "application/json")
PATIENCE_MS = 30_000
DROP = "Hoodie"  # of which there are few
SECRET = 16  # so long is what a cookie holds at least, if it is worth hiding
NAMES = ("email", "first_name", "last_name", "address_1", "city", "postal_code")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shopper:
    """What one shopper types, and which product of the shelf is clicked."""

    typed: tuple[str, ...]
    product: int
    quantity: int
    thought_s: float = 0.0

    def press(self, found):
        """Click as a shopper does: when it is there, and after a moment's thought."""
        found.wait_for()
        found.page.wait_for_timeout(1000 * self.thought_s)
        found.click()


SHOPPERS = (
    Shopper(typed=("ada@example.com", "Ada", "Lee", "1 High Street", "London", "N1 9GU"), product=0, quantity=1),
    Shopper(typed=("ben@example.com", "Ben", "Roe", "22 Mill Lane", "Leeds", "LS1 4AP"), product=2, quantity=2),
)


def oscar(page, shopper):
    """Walk through the pages of the shop, as a guest, to the thank-you page."""
    email, first, last, street, city, postcode = shopper.typed
    page.goto("/en-gb/catalogue/")
    shopper.press(page.locator(".side_categories a[href*='/category/']").nth(shopper.product // 2))
    page.wait_for_url("**/category/**")
    shopper.press(page.locator("article.product_pod h3 a").nth(shopper.product))
    shopper.press(page.locator("#add_to_basket_form button"))
    shopper.press(page.locator("#messages a[href$='/basket/']"))
    shopper.press(page.locator("#content_inner a[href$='/checkout/']"))
    page.fill("[name=username]", email)
    shopper.press(page.locator("form:has([name=username]) button"))
    filled = {"first_name": first, "last_name": last, "line1": street, "line4": city, "postcode": postcode}
    for name, value in filled.items():
        page.fill(f"#new_shipping_address [name={name}]", value)
    shopper.press(page.locator("#new_shipping_address button"))
    page.fill("#payment_form [name=card_token]", "tok_ok")
    shopper.press(page.locator("#payment_form button"))
    shopper.press(page.locator("#place_order_form button"))
    page.wait_for_url("**/checkout/thank-you/")


def page_of_ours(shop, key=""):
    """Return the walk through `page.html` of a shop that has an API only."""

    def walk(page, shopper):
        html = (HERE / shop / "page.html").read_text()
        page.route("**/page*", lambda route: route.fulfill(body=html, content_type="text/html"))
        page.goto(f"/page?key={key}")
        shopper.press(page.locator("#shelf button").filter(has_not_text=DROP).nth(shopper.product))
        page.fill("#product [name=quantity]", str(shopper.quantity))
        shopper.press(page.locator("#product button"))
        for name, value in zip(NAMES, shopper.typed, strict=True):
            page.fill(f"#checkout [name={name}]", value)
        shopper.press(page.locator("#checkout button"))
        shopper.press(page.locator("#pay button"))
        page.wait_for_function("document.getElementById('thanks').textContent")

    return walk


@contextmanager
def recording(browser, base_url, path):
    """Give a page of a fresh browser context; what it asks of the shop is in `path` afterwards."""
    context = browser.new_context(
        base_url=base_url,
        record_har_path=path,
        record_har_content="embed",
        record_har_url_filter=re.compile(r"^(?!.*/page\?)"),
    )
    context.set_default_timeout(PATIENCE_MS)
    try:
        yield context.new_page()
    finally:
        context.close()


def cleaned(har, key):
    """Return a recording without bodies that nobody reads, and without what stood in cookies and the shop's key."""
    secrets = {key: "pk_example"} if key else {}
    for entry in har["log"]["entries"]:
        content = entry["response"]["content"]
        if not content["mimeType"].startswith(READ):
            content.pop("text", None)
            content.pop("encoding", None)
        for cookie in (*entry["request"]["cookies"], *entry["response"]["cookies"]):
            if len(cookie["value"]) >= SECRET:
                secrets.setdefault(cookie["value"], f"cookie-{len(secrets)}")
    return replaced(har, sorted(secrets.items(), key=lambda pair: -len(pair[0])))


def replaced(value, pairs):
    """Return a JSON value with each first word of `pairs` replaced by the second, wherever it stands."""
    if isinstance(value, dict):
        return {name: replaced(one, pairs) for name, one in value.items()}
    if isinstance(value, list):
        return [replaced(one, pairs) for one in value]
    if isinstance(value, str):
        for secret, instead in pairs:
            value = value.replace(secret, instead)
    return value


def main():
    """Record as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shop", choices=("oscar", "vendure", "medusa"))
    parser.add_argument("base_url")
    parser.add_argument("har", nargs="+", type=Path, help="a file for each shopper: one, or two")
    parser.add_argument("--key", default="", help="Medusa's publishable key, as publishable-key.txt has it")
    parser.add_argument("--thought", type=float, default=1.2, metavar="SECONDS", help="before each click (default 1.2)")
    asked = parser.parse_args()
    walk = oscar if asked.shop == "oscar" else page_of_ours(asked.shop, asked.key)
    program = os.environ.get("PEAKPROOF_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=arguments)
        for shopper, path in zip(SHOPPERS, asked.har, strict=False):
            with recording(browser, asked.base_url, path) as page:
                walk(page, replace(shopper, thought_s=asked.thought))
            har = json.dumps(cleaned(json.loads(path.read_text()), asked.key), indent=1).encode()
            path.write_bytes(gzip.compress(har, mtime=0) if path.suffix == ".gz" else har)


if __name__ == "__main__":
    main()
