"""What nginx counts is read exactly, its configuration is whole, and what is missing is named with its package."""

import json
import re
from pathlib import Path

import pytest

from scripts.benches.engine.target import (
    Ports,
    Status,
    configuration,
    free_ports,
    page_body,
    pinned,
    program,
    read_status,
    reply_body,
)
from slo.outcomes import EnvironmentLacks

PAGE = """\
Active connections: 101
server accepts handled requests
 1214 1213 98765
Reading: 0 Writing: 1 Waiting: 100
"""


def test_the_status_page_is_read() -> None:
    assert read_status(PAGE) == Status(active=101, accepts=1214, requests=98765)


@pytest.mark.parametrize("text", ["", "<html>404</html>", PAGE.replace("98765", ""), PAGE.replace("101", "many")])
def test_another_page_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not a page of stub_status: "):
        read_status(text)


def test_the_reply_is_2277_bytes_of_json_with_19_items_that_nginx_takes_as_they_are() -> None:
    body = reply_body()
    read = json.loads(body)
    assert (len(body), read["ok"], len(read["items"])) == (2277, True, 19)
    assert not set("'$\\") & set(body)
    assert len(page_body()) == 2277
    assert not set("'$\\") & set(page_body())


def test_the_configuration_listens_on_loopback_alone_and_writes_into_its_folder(tmp_path: Path) -> None:
    text = configuration(tmp_path, Ports(plain=1001, tls=1002, status=1003))
    listens = re.findall(r"listen ([^ ;]+)", text)
    assert listens == ["127.0.0.1:1003", "127.0.0.1:1001", "127.0.0.1:1002"]
    written = re.findall(r"(?:pid|error_log|\w+_temp_path|ssl_certificate(?:_key)?) ([^;]+);", text)
    assert [Path(name).parent for name in written] == [tmp_path] * 9
    assert (text.count(reply_body()), text.count(page_body())) == (6, 1)
    assert "$cookie_sid" in text
    assert "$folder" not in text


def test_cart_and_checkout_want_the_cookie_that_the_first_page_set(tmp_path: Path) -> None:
    text = configuration(tmp_path, Ports(plain=1, tls=2, status=3))
    wanting = [line.split()[2] for line in text.splitlines() if 'if ($cookie_sid = "") { return 403; }' in line]
    setting = [line.split()[2] for line in text.splitlines() if "add_header Set-Cookie" in line]
    assert (setting, wanting) == (["/api/products"], ["/api/cart", "/api/checkout"])


def test_a_missing_program_is_named_with_the_package_that_holds_it() -> None:
    with pytest.raises(EnvironmentLacks, match=r"^no-such-program is missing: on Debian, apt-get install its-package$"):
        program("no-such-program", "its-package")


def test_without_taskset_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        EnvironmentLacks, match=r"^taskset is missing, and without it generator and target can't be kept"
    ):
        pinned(0, ["true"])


def test_free_ports_differ_and_lie_below_those_of_outgoing_connections() -> None:
    ports = free_ports(3)
    assert len(set(ports)) == 3
    assert all(20_000 <= port < 32_000 for port in ports)
