"""The first replies that weren't what was needed are kept, few of each kind, and shown with how often it came."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from loadtests.results.error_samples import (
    FIRST_OF_A_STEP,
    KINDS_BYTES,
    MOST,
    MOST_OF_A_STEP,
    TOTAL_BYTES,
    ErrorSample,
    ErrorSamples,
    by_step,
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


def test_the_first_five_of_a_step_are_kept_and_then_the_first_of_each_kind_whatever_numbers_it_holds(
    directory: RunDirectory,
) -> None:
    samples = ErrorSamples(directory, "w0")
    kinds = [("cart", "wrong_reply", f"line {n}: not there") for n in range(FIRST_OF_A_STEP + 2)]
    assert wanted(samples, *kinds) == [True] * FIRST_OF_A_STEP + [False] * 2
    assert wanted(samples, *[("cart", "http_5xx", "")] * 2) == [True, False]
    assert wanted(samples, ("home", "wrong_reply", "line 1: not there")) == [True]


def test_no_step_and_no_shop_fills_the_disk(directory: RunDirectory) -> None:
    samples = ErrorSamples(directory, "w0")
    words = [f"{a}{b}" for a in "abcdefghijklmno" for b in "pqrstuvwxyz"]
    assert sum(samples.wants("cart", "wrong_reply", word) for word in words) == MOST_OF_A_STEP
    assert sum(samples.wants(word, "http_5xx", "") for word in words * 2) == MOST - MOST_OF_A_STEP
    half = ErrorSamples(directory, "w2")
    half.wants("cart", "wrong_reply", "")
    half.keep(sample(body="x" * KINDS_BYTES))
    assert sum(half.wants("cart", "wrong_reply", word) for word in words) == FIRST_OF_A_STEP - 1
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


def test_of_each_step_the_runs_first_five_by_time_are_shown_and_then_the_first_of_other_kinds(
    directory: RunDirectory,
) -> None:
    """Whichever worker they came to."""
    for worker in ("w0", "w1"):
        kept, offset = ErrorSamples(directory, worker), int(worker[1])
        for number in range(8):
            one = sample(at=10 * number + offset, why=f"line {number}: not there" if number < 7 else "no cart")
            if kept.wants(one.step, one.error, one.why):
                kept.keep(one)
    ErrorSamples(directory, "w1").keep(sample(step="asset", at=99))
    found = by_step(read_samples(directory))
    assert {step: [one.at for one in ones] for step, ones in found.items()} == {
        "asset": [99],
        "cart": [0, 1, 10, 11, 20, 70],
    }


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
        ("cart", "wrong_reply 412 times; first: cart.id: not there; see report.html#replies"),
        ("home", "http_5xx 3 times; first: HTTP 503; see report.html#replies"),
    ]
    assert worst_steps(requests(("home", None)), kept) == ()
