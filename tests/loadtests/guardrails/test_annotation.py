"""A run is one region in Grafana; whatever Grafana answers, the run goes on and no token is shown."""

from collections.abc import Iterator
from typing import Any

import pytest

from loadtests.environment.credentials import Secret
from loadtests.environment.pinned_http import PinnedHttp
from loadtests.environment.targets import Environment
from loadtests.guardrails.annotation import AnnotationError, Grafana
from tests.loadtests.watchers import FakeGrafana, grafana
from tests.ports import free_port

TOKEN = "glsa_canary-of-grafana"


def session(url: str) -> PinnedHttp:
    ceiling = {"requests_per_s": 1, "open_sessions": 1, "orders": 1}
    document: dict[str, Any] = {
        "base_url": "http://127.0.0.1:9", "storefront": "twisted-threads", "ceiling": ceiling, "grafana_url": url,
    }  # fmt: skip
    return PinnedHttp(Environment.model_validate(document))


@pytest.fixture
def fake() -> Iterator[FakeGrafana]:
    with grafana(TOKEN) as one:
        yield one


def test_a_region_is_marked_in_ms_and_moved_to_what_was_played(fake: FakeGrafana) -> None:
    with session(fake.url) as http:
        one = Grafana(url=fake.url, http=http, token=Secret(TOKEN))
        made = one.mark(1_000_000_000, 61_000_000_000, tags=("peakproof", "run:a"), text="a run")
        assert fake.annotations[made] == {
            "time": 1000, "timeEnd": 61_000, "tags": ["peakproof", "run:a"], "text": "a run",
        }  # fmt: skip
        one.move(made, 3_000_000_000, 9_500_000_000)
    assert (fake.annotations[made]["time"], fake.annotations[made]["timeEnd"]) == (3000, 9500)
    assert fake.asked == [("POST", "/api/annotations"), ("PATCH", "/api/annotations/1")]


def refusal(fake: FakeGrafana, token: str = TOKEN) -> str:
    with session(fake.url) as http, pytest.raises(AnnotationError) as refused:
        Grafana(url=fake.url, http=http, token=Secret(token)).mark(0, 1, tags=(), text="a run")
    return str(refused.value)


def test_a_refusal_is_one_line_without_the_token(fake: FakeGrafana) -> None:
    assert refusal(fake, "wrong-canary") == f"Grafana at {fake.url} answers HTTP 401 to POST /api/annotations"


def test_a_redirect_is_not_followed(fake: FakeGrafana) -> None:
    fake.status = 302
    assert refusal(fake) == f"Grafana at {fake.url} answers HTTP 302 to POST /api/annotations"
    assert len(fake.asked) == 1


def test_an_answer_without_an_id_is_no_mark(fake: FakeGrafana) -> None:
    fake.status = 200
    assert refusal(fake) == f"Grafana at {fake.url} doesn't answer with the annotation's id"


def test_a_grafana_that_is_not_there_is_named() -> None:
    fake = FakeGrafana()
    fake.url = f"http://127.0.0.1:{free_port()}"
    assert refusal(fake) == f"Grafana at {fake.url} doesn't answer: ConnectionError"
