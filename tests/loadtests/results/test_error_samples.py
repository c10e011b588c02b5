"""The first replies that weren't what was needed are kept, few of each kind, and shown with how often it came."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from loadtests.results.error_samples import (
    MOST,
    MOST_OF_A_KIND,
    MOST_OF_A_STEP,
    TOTAL_BYTES,
    ErrorSample,
    ErrorSamples,
    read_samples,
)
from loadtests.results.run_directory import RunDirectory
from loadtests.results.schemas import REQUESTS
from loadtests.results.worst_steps import worst_steps
from tests.slo.objectives.request_table import RequestTable


def sample(**changed: Any) -> ErrorSample:
    facts = {
        "at": 5,
        "step": "cart",
        "journey": "buy",
        "session": 3,
        "method": "POST",
        "path": "/cart",
        "status": 200,
        "error": "wrong_reply",
        "why": "cart.id: not there",
        "bytes": 2,
        "body": "{}",
    }
    return ErrorSample.model_validate({**facts, **changed})


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    return RunDirectory(path=tmp_path)


def wanted(samples: ErrorSamples, *kinds: tuple[str, str, str]) -> list[bool]:
    return [samples.wants(*kind) for kind in kinds]


def test_three_of_a_kind_are_kept_whatever_numbers_they_hold(directory: RunDirectory) -> None:
    samples = ErrorSamples(directory, "w0")
    kinds = [("cart", "wrong_reply", f"line {n}: not there") for n in range(MOST_OF_A_KIND + 2)]
    assert wanted(samples, *kinds) == [True] * MOST_OF_A_KIND + [False] * 2
    assert wanted(samples, ("cart", "http_5xx", ""), ("home", "wrong_reply", "line 1: not there")) == [True, True]


def test_no_step_and_no_shop_fills_the_disk(directory: RunDirectory) -> None:
    samples = ErrorSamples(directory, "w0")
    words = [f"{a}{b}" for a in "abcdefghijklmno" for b in "pqrstuvwxyz"]
    assert sum(samples.wants("cart", "wrong_reply", word) for word in words) == MOST_OF_A_STEP
    assert sum(samples.wants(word, "http_5xx", "") for word in words) == MOST - MOST_OF_A_STEP
    large = ErrorSamples(directory, "w1")
    large.wants("cart", "wrong_reply", "")
    large.keep(sample(body="x" * TOTAL_BYTES))
    assert not large.wants("home", "wrong_reply", "")


def test_what_was_kept_is_read_by_time_over_all_workers_and_a_line_cut_short_is_left_out(
    directory: RunDirectory,
) -> None:
    assert read_samples(directory) == ()
    ErrorSamples(directory, "w0").keep(sample(at=9))
    ErrorSamples(directory, "w1").keep(sample(at=7))
    with directory.error_samples("w1").open("a") as file:
        file.write('{"at": 3, "step": "ca')
    assert read_samples(directory) == (sample(at=7), sample(at=9))


def requests(*rows: tuple[str, str | None]) -> RequestTable:
    made = [{"step": step, "error": error} for step, error in rows]
    schema = pa.schema([REQUESTS.field("step"), REQUESTS.field("error")])
    return RequestTable(table=pa.Table.from_pylist(made, schema=schema))


def test_the_worst_step_is_shown_with_its_first_message() -> None:
    table = requests(*[("cart", "wrong_reply")] * 412, *[("home", "http_5xx")] * 3, ("home", None), ("x", "timeout"))
    kept = (
        sample(why="cart.id: not there"),
        sample(why="later"),
        sample(step="home", error="http_5xx", why="", status=503),
    )
    assert [(one.subject, one.message) for one in worst_steps(table, kept)] == [
        ("cart", "wrong_reply 412 times; first: cart.id: not there; see errors/"),
        ("home", "http_5xx 3 times; first: HTTP 503; see errors/"),
    ]
    assert worst_steps(requests(("home", None)), kept) == ()
