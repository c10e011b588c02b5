"""The kill page says stop however an editor or a server encodes it, and nothing else does."""

from io import BytesIO
from typing import Any

import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter

from loadtests.guardrails.kill_switch import says_stop

URL = "http://ops.test/stop"
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "latin-1"]


class Page(HTTPAdapter):
    """Answers each request with one page."""

    def __init__(self, body: bytes, kind: str) -> None:
        super().__init__()
        self._body, self._kind = body, kind

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        raw = urllib3.HTTPResponse(
            body=BytesIO(self._body),
            headers={"Content-Type": self._kind},
            status=200,
            version=11,
            preload_content=False,
        )
        return self.build_response(request, raw)


def stops(body: bytes, kind: str = "text/plain") -> bool:
    with requests.Session() as session:
        session.mount("http://", Page(body, kind))
        return says_stop(URL, session)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_it_says_stop_in_any_encoding(encoding: str) -> None:
    assert [stops(text.encode(encoding)) for text in ("stop", " STOP\r\n", '{"stop": true}\n')] == [True] * 3
    assert [stops(text.encode(encoding)) for text in ("go on", '{"stop": false}', "", "stop it")] == [False] * 4


def test_an_encoding_that_the_server_names_is_read_as_that() -> None:
    assert stops("stop".encode("cp037"), "text/plain; Charset='CP037'")
    assert stops(b"stop", "text/plain; charset=no-such-charset")
    assert stops("\u200bstop\x1a\0".encode(), "text/plain; charset=utf-16")
