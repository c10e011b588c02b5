"""A JSON API is asked as it wishes: with ETags, within its limits, bounded, and its token goes nowhere else."""

import pytest

from exporters.serving.source import Unreadable
from exporters.sources.rest_api import MAX_BYTES, Page, RestApi
from tests.exporters.sources.rest_server import Asked, Reply, rest_server
from tests.exporters.subjects.reading import within

TOKEN = "ghp_0123456789abcdef"


def api_at(url: str, now_s: float = 1_000.0) -> RestApi:
    return RestApi(base=url, headers={"Authorization": f"Bearer {TOKEN}"}, masks=(TOKEN.encode(),), now_s=lambda: now_s)


def refused(api: RestApi, seconds: float = 5.0) -> str:
    with pytest.raises(Unreadable) as error:
        api.get("/things?page=1", within(seconds))
    return str(error.value).replace(api.shown, "HOST")


def test_a_page_says_whether_another_follows_as_github_and_as_gitlab_say_it() -> None:
    links = iter([{"Link": '<http://x/?page=2>; rel="next"'}, {"X-Next-Page": "2"}, {"X-Next-Page": ""}, {}])
    with rest_server(lambda _: Reply(body=[1], headers=next(links))) as server:
        api = api_at(server.url)
        assert [api.get("/things", within()) for _ in range(4)] == [
            Page(data=[1], more=True), Page(data=[1], more=True), Page(data=[1], more=False), Page(data=[1], more=False)
        ]  # fmt: skip
        assert server.asked[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_what_hasn_t_changed_is_asked_for_by_its_etag() -> None:
    def answer(asked: Asked) -> Reply:
        same = asked.headers.get("if-none-match") == 'W/"1"'
        return Reply(body=b"", status=304) if same else Reply(body=[1], headers={"ETag": 'W/"1"'})

    with rest_server(answer) as server:
        api = api_at(server.url)
        assert [api.get("/things", within()).data for _ in range(2)] == [[1], [1]]
        assert [one.headers.get("if-none-match") for one in server.asked] == [None, 'W/"1"']


@pytest.mark.parametrize(
    ("status", "headers", "wait_s"),
    [
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1120"}, 120),
        (429, {"Retry-After": "30"}, 30),
        (429, {"RateLimit-Remaining": "0", "RateLimit-Reset": "1010"}, 10),
        (429, {}, 60),
        (429, {"Retry-After": "99999999"}, 3600),
    ],
)
def test_an_api_whose_limit_is_used_up_isn_t_asked_before_the_time_that_it_names(
    status: int, headers: dict[str, str], wait_s: int
) -> None:
    with rest_server(lambda _: Reply(status=status, headers=headers)) as server:
        now_s = [1_000.0]
        api = api_at(server.url)
        api.now_s = lambda: now_s[0]
        assert refused(api) == f"HOST: its rate limit is used up for {wait_s} s more"
        now_s[0] += wait_s - 1
        assert refused(api) == "HOST: its rate limit is used up for 1 s more"
        assert len(server.asked) == 1
        now_s[0] += 1
        refused(api)
        assert len(server.asked) == 2


def test_the_last_answer_within_a_limit_is_used_and_the_next_request_waits() -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1060"}
    with rest_server(lambda _: Reply(body=[1], headers=headers)) as server:
        api = api_at(server.url)
        assert api.get("/things", within()).data == [1]
        assert refused(api) == "HOST: its rate limit is used up for 60 s more"


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply(status=401), "HOST/things: answered 401, expected 200"),
        (Reply(status=403), "HOST/things: answered 403, expected 200"),
        (Reply(status=302, headers={"Location": "http://127.0.0.1:1/"}), "HOST/things: answered 302, expected 200"),
        (Reply(status=304), "HOST/things: answered 304, expected 200"),
        (
            Reply(body=b"<html>"),
            "HOST/things: not JSON: unexpected character, expected a JSON value: line 1 column 1 (char 0)",
        ),
        (Reply(body=b" " * (MAX_BYTES + 1)), f"HOST/things: larger than the {MAX_BYTES} bytes allowed"),
    ],
)
def test_an_answer_that_isn_t_one_is_unreadable(reply: Reply, message: str) -> None:
    with rest_server(lambda _: reply) as server:
        assert refused(api_at(server.url)) == message


def test_a_slow_api_and_one_that_isn_t_there_are_unreadable() -> None:
    with rest_server(lambda _: Reply(after_s=1.0)) as server:
        assert refused(api_at(server.url), 0.2) == "HOST: no whole answer within the deadline"
        url = server.url
    assert refused(api_at(url)) == "HOST: no whole answer: ConnectionError"


def test_no_message_and_no_dump_holds_the_token() -> None:
    with rest_server(lambda asked: Reply(body=asked.headers["authorization"].encode())) as server:
        api = api_at(server.url)
        assert TOKEN not in refused(api)
        assert TOKEN not in repr(api)
