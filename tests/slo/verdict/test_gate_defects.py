"""What GATE §2 found wrong, from the records of a run to its verdict: no hang and no broken visit passes."""

import dataclasses

import numpy as np
import pyarrow as pa
import pytest

from loadtests.results.schemas import REQUESTS, SESSIONS
from slo.objectives.evidence import read_evidence
from slo.objectives.indicators import Window
from slo.objectives.objective import Objective
from slo.outcomes import Outcome
from slo.validity.delivery import delivered
from slo.validity.run_document import parse_run
from slo.verdict.verdict import Case, Verdict, judge
from tests.slo.objectives.request_table import RequestTable
from tests.slo.passing import SECOND

RATE = 20
STEPS = ("home", "cart", "checkout")
VISITS = {"buy": dict.fromkeys(STEPS, 1.0)}
START, LENGTH_S, ENDED_S = 100, 90, 98


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Visits:
    """Twenty visits a second for 90 s, whose requests take 0.1 s and follow each other at once.

    From `hangs_at_s` on a request of `hangs` gets no reply until the run's end, 8 s after the judged time; `breaks` is
    the share of visits that the cart fails.
    """

    hangs: str = ""
    hangs_at_s: float = LENGTH_S
    breaks: float = 0.0

    def records(self) -> RequestTable:
        """Return their records."""
        sessions, requests = [], []
        for number in range(RATE * LENGTH_S):
            at_s = number / RATE
            broken = np.random.default_rng(number).random() < self.breaks
            outcome, reason = "completed", None
            for step in STEPS:
                hangs = step == self.hangs and at_s >= self.hangs_at_s
                error = "cut_off" if hangs else "http_5xx" if broken and step == "cart" else None
                took_s = ENDED_S - at_s if hangs else 0.1
                requests.append((number, step, at_s, took_s, error))
                if error is not None:
                    outcome, reason = ("cut_off", None) if hangs else ("failed", f"{step}: {error}")
                    break
            sessions.append((number, at_s, outcome, reason))
        rows = [
            {"session": number, "journey": "buy", "step": step, "error": error, **_times(at_s, took_s)}
            for number, step, at_s, took_s, error in requests
        ]
        kept = [
            {"session": number, "journey": "buy", "outcome": outcome, "reason": reason, **_times(at_s, 0)}
            for number, at_s, outcome, reason in sessions
        ]
        return RequestTable(table=pa.Table.from_pylist(rows, REQUESTS), sessions=pa.Table.from_pylist(kept, SESSIONS))


def _times(at_s: float, took_s: float) -> dict[str, int]:
    at = round((START + at_s) * SECOND)
    return {"scheduled_at": at, "started_at": at, "sent_at": at, "finished_at": at + round(took_s * SECOND)}


def judged(case: Case, visits: Visits, objective: Objective) -> Verdict:
    """Judge a run of these visits by one objective."""
    window = Window(starts_at=START * SECOND, ends_at=(START + LENGTH_S) * SECOND)
    records = visits.records()
    played = {"judged": {"starts_at": window.starts_at, "ends_at": window.ends_at}, "requests": None, "account": None}
    ended_at = (START + ENDED_S) * SECOND
    rows = records.table.num_rows
    whole = {"planned": 1800, "completed": 1800, "failed": 0, "cut_off": 0, "dropped": {}, "lost": {}, "not_due": 0}
    facts = {**case.run.to_json(), **played, "ended_at": ended_at, "requests": {"sent": rows}, "account": whole}
    return judge(
        dataclasses.replace(
            case,
            run=parse_run(facts),
            records=dataclasses.replace(delivered(records, window, frozenset({"buy"})), spans=case.records.spans),
            objectives=(objective,),
            evidence={objective.name: read_evidence(objective, records, pa.table({}), window)},
            visits=VISITS,
        )
    )


def test_a_shop_that_does_well_passes(passing: Case, shipped: dict[str, Objective]) -> None:
    verdict = judged(passing, Visits(), shipped["checkout-availability"])
    assert (verdict.outcome, verdict.objectives[0].events) == (Outcome.PASS, 1800)


@pytest.mark.parametrize("name", ["checkout-availability", "checkout-latency"])
def test_a_shop_that_hangs_for_the_last_20_s_of_90_does_not_pass(
    passing: Case, shipped: dict[str, Objective], name: str
) -> None:
    """GATE §2.4: with a drain of 8 s it left 400 of 1,800 checkouts out: "met, 0 of 1,400"."""
    verdict = judged(passing, Visits(hangs="checkout", hangs_at_s=70), shipped[name])
    assert verdict.outcome is Outcome.FAIL
    (finding,) = (one for one in verdict.findings if one.subject == "cut off")
    assert finding.message == f"400 of 1,800 requests of {name} had no reply when the run ended, at most 1 % may"


@pytest.mark.parametrize("name", ["checkout-availability", "checkout-latency"])
def test_a_shop_that_hangs_for_the_last_2_s_has_shown_nothing(
    passing: Case, shipped: dict[str, Objective], name: str
) -> None:
    """GATE §2.4: 40 checkouts are left out of their availability, for they had waited for less than 10 s."""
    verdict = judged(passing, Visits(hangs="checkout", hangs_at_s=88.1), shipped[name])
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.headline.startswith(f"INCONCLUSIVE  cut off: 38 of 1,800 requests of {name} had no reply")


def test_a_shop_that_hangs_before_the_judged_step_does_not_pass_either(
    passing: Case, shipped: dict[str, Objective]
) -> None:
    """GATE §2.4: the carts of the last 20 s hang; the visits of over 10 s never came to their checkouts."""
    verdict = judged(passing, Visits(hangs="cart", hangs_at_s=70), shipped["checkout-availability"])
    assert (verdict.outcome, verdict.objectives[0].outcome) == (Outcome.INCONCLUSIVE, "met")
    assert {one.subject for one in verdict.findings} == {"cut off", "steps"}


def test_a_third_of_the_visits_that_the_cart_ends_is_no_pass_of_the_checkout(
    passing: Case, shipped: dict[str, Objective]
) -> None:
    """GATE §2.5: the checkouts that nobody asked for leave those that are good."""
    verdict = judged(passing, Visits(breaks=1 / 3), shipped["checkout-availability"])
    (result,) = verdict.objectives
    assert (verdict.outcome, result.outcome, result.bad) == (Outcome.INCONCLUSIVE, "met", 0)
    assert verdict.headline.startswith(f"INCONCLUSIVE  steps: checkout was asked for {result.events:,} of the 1,800")
    assert f"; visits ended at cart: http_5xx ({1800 - result.events})" in verdict.headline


def test_a_twentieth_of_the_visits_that_break_off_changes_nothing(passing: Case, shipped: dict[str, Objective]) -> None:
    verdict = judged(passing, Visits(breaks=0.05), shipped["checkout-availability"])
    assert verdict.outcome is Outcome.PASS
