"""Only a worker that shows it knows the run's token is let in, once, while there is a seat."""

import pytest

from loadtests.coordination.admission import Admission, proof
from loadtests.worker.job import run_token
from slo.documents import BadInput

TOKEN, RUN = "canary-of-the-run", "20261127T000000Z-small-abcd"
STRANGE = "it doesn't know this run's token: PEAKPROOF_RUN_TOKEN must be the same for master and workers"


def shown(worker: str, token: str = TOKEN, run: str = RUN) -> dict[str, str]:
    return {"proof": proof(token, run, worker)}


def test_a_worker_that_knows_the_token_is_let_in() -> None:
    admission = Admission(TOKEN, RUN, 2)
    admission.saw("a")
    assert (admission.has_joined("a"), admission.strangers) == (False, ("a",))
    assert admission.refusal("a", shown("a")) is None
    assert (admission.has_joined("a"), admission.strangers) == (True, ())


@pytest.mark.parametrize(
    "told",
    [
        shown("a", token="another"),
        shown("a", run="20261127T000000Z-small-0000"),
        shown("b"),
        {"proof": TOKEN},
        {"proof": ""},
        {"proof": "\u00e9"},
        {"proof": None},
        {"proof": ["x"]},
        {},
        None,
        7,
        "x",
        [],
    ],
)
def test_whatever_else_is_shown_lets_nobody_in(told: object) -> None:
    admission = Admission(TOKEN, RUN, 2)
    admission.saw("a")
    assert admission.refusal("a", told) == STRANGE
    assert (admission.has_joined("a"), admission.strangers) == (False, ("a",))


def test_a_run_takes_as_many_as_it_has_seats_and_gives_none_away_twice() -> None:
    admission = Admission(TOKEN, RUN, 2)
    assert [admission.refusal(name, shown(name)) for name in ("a", "b", "c")] == [
        None,
        None,
        "the run has its 2 workers",
    ]
    assert [admission.has_joined(name) for name in ("a", "b", "c")] == [True, True, False]


def test_the_token_is_not_in_what_is_sent() -> None:
    assert TOKEN not in proof(TOKEN, RUN, "a")


def test_names_of_strangers_are_short_few_and_printable() -> None:
    admission = Admission(TOKEN, RUN, 1)
    admission.saw("\x1b[31m" + "x" * 500)
    for number in range(5000):
        admission.saw(f"w{number}")
    assert admission.strangers[0] == "?[31m" + "x" * 95
    assert len(admission.strangers) == 20


def test_without_a_token_nothing_is_started() -> None:
    with pytest.raises(BadInput) as refused:
        run_token({})
    assert str(refused.value) == (
        "PEAKPROOF_RUN_TOKEN is not set: a master lets in only workers that know the token of its run"
    )
