"""What is left of an error budget is known only where its window holds data; nothing that is missing is unspent."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scripts.context import Context
from scripts.local_stack.prometheus import Prometheus, Series
from scripts.running.error_budgets import ask_budgets, budgets
from slo.objectives.indicators import Availability
from slo.objectives.objective import Objective
from slo.objectives.selectors import parse_selector
from slo.objectives.sources import Counters
from slo.outcomes import EnvironmentLacks
from slo.policy.budget import BudgetPolicy
from slo.policy.budget_document import BudgetDocument, FixEntry, budget_lines, exit_code
from slo.policy.policy import Policy
from slo.rules.scope import Scope

NOW = 1_795_780_800_000_000_000
Answer = Callable[[str, int], float | None]
OBJECTIVE = Objective(
    name="checkout",
    display_name="Checkout",
    description="",
    service="shop",
    indicator=Availability(
        source=Counters(
            good=parse_selector('requests_total{status="ok"}'), total=parse_selector("requests_total{}"), steps=()
        )
    ),
    target=0.99,
    window="28d",
)


class FakePrometheus(Prometheus):
    """Answers a range query from a function of the query and the step's number."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("http://127.0.0.1:9", None)
        self._answer = answer
        self.asked: list[tuple[str, float]] = []

    def range(self, query: str, start: int, end: int, step_s: float = 1.0, within_s: float = 1.0) -> tuple[Series, ...]:
        assert within_s
        self.asked.append((query, step_s))
        steps = round((end - start) / 1e9 / step_s) + 1
        found = [(start + round(n * step_s * 1e9), self._answer(query, n)) for n in range(steps)]
        kept = [(at, value) for at, value in found if value is not None]
        labels: Mapping[str, str] = {}
        return (Series(labels=labels, at=tuple(at for at, _ in kept), value=tuple(value for _, value in kept)),)


def _told(answer: Answer, objective: Objective = OBJECTIVE, **policy: Any) -> BudgetDocument:
    scope = Scope(environment="any", matcher="")
    return budgets([objective], FakePrometheus(answer), scope, BudgetPolicy(**policy), at=NOW)


def _shop(bad: float, known_from: int = 0) -> Answer:
    def answer(query: str, step: int) -> float | None:
        if step < known_from:
            return None
        if "count(" in query:
            return 1.0
        return 1000 * (1 - bad) if "ok" in query else 1000.0

    return answer


@pytest.mark.parametrize(
    ("bad", "decision", "left", "code", "strict"),
    [
        (0.002, "ship", 0.8, 0, 0),
        (0.008, "care", 0.2, 0, 99),
        (0.01, "freeze", 0.0, 99, 99),
        (0.03, "freeze", -2, 99, 99),
    ],
)
def test_what_is_left_decides(bad: float, decision: str, left: float, code: int, strict: int) -> None:
    document = _told(_shop(bad))
    assert (document.decision, exit_code(document), exit_code(document, strict=True)) == (decision, code, strict)
    assert document.objectives[0].left == pytest.approx(left, abs=1e-6)


def test_the_windows_length_is_the_objectives_own() -> None:
    fake = FakePrometheus(_shop(0.0))
    budgets([OBJECTIVE], fake, Scope(environment="any", matcher='env="production"'), BudgetPolicy(), at=NOW)
    assert fake.asked[0] == ('sum(increase(requests_total{env="production"}[4h]))', 4 * 3600.0)


def test_a_window_that_is_half_empty_is_no_data_unless_the_policy_says_so() -> None:
    assert _told(_shop(0.0, known_from=84)).decision == "no data"
    assert _told(_shop(0.0, known_from=84), min_coverage=0.5).decision == "ship"


@pytest.mark.parametrize(
    "answer",
    [
        lambda _query, _step: None,
        lambda _query, _step: float("nan"),
        lambda query, _step: None if "ok" in query or "count(" in query else 1000.0,  # the label was renamed
        lambda query, _step: 2000.0 if "ok" in query else 1000.0,  # good is no part of total
        lambda query, _step: 1.0 if "count(" in query else 0.0,  # nobody came
    ],
)
def test_missing_data_never_ships(answer: Answer) -> None:
    document = _told(answer)
    assert document.decision == "no data"
    assert exit_code(document) == 75


def test_no_good_event_at_all_is_a_budget_spent_and_not_missing_data() -> None:
    assert _told(lambda query, _: 1.0 if "count(" in query else None if "ok" in query else 1000.0).decision == "freeze"


def test_a_prometheus_that_does_not_answer_is_no_data() -> None:
    def silent(_query: str, _step: int) -> float | None:
        raise EnvironmentLacks("Prometheus at http://127.0.0.1:9 doesn't answer: ConnectionError")

    assert exit_code(_told(silent)) == 75


def test_a_fix_passes_a_freeze_is_recorded_and_passes_nothing_that_is_not_known() -> None:
    fix = FixEntry(by="ops", why="reverts SHOP-9")
    frozen = _told(_shop(0.03)).model_copy(update={"fix": fix})
    unknown = _told(lambda _query, _step: None).model_copy(update={"fix": fix})
    assert (exit_code(frozen), exit_code(frozen, strict=True), exit_code(unknown)) == (0, 0, 75)
    assert budget_lines(frozen)[-1] == "freeze, passed as a fix by ops: reverts SHOP-9"
    assert json.loads(frozen.model_dump_json())["fix"] == {"by": "ops", "why": "reverts SHOP-9"}


def test_a_calendar_months_budget_counts_from_its_first_moment_and_is_the_whole_months() -> None:
    month = dataclasses.replace(OBJECTIVE, window="1M", calendar=True)
    fake = FakePrometheus(_shop(0.01))
    tenth = round(datetime(2026, 11, 10, tzinfo=UTC).timestamp()) * 1_000_000_000
    told = budgets([month], fake, Scope(environment="any", matcher=""), BudgetPolicy(), at=tenth).objectives[0]
    assert fake.asked[0][1] == 4620.0  # 9 days in 168 steps, of whole minutes
    assert told.elapsed == pytest.approx(0.3)
    assert told.coverage == pytest.approx(1, abs=0.01)
    assert told.left == pytest.approx(0.7, abs=0.01)  # at the allowed rate, 9 of 30 days spend three tenths


def test_a_calendar_period_that_has_only_begun_is_no_data() -> None:
    month = dataclasses.replace(
        OBJECTIVE, window="1M", calendar=True, calendar_from=datetime.fromtimestamp(NOW / 1e9, UTC)
    )
    assert _told(_shop(0.0), month).decision == "no data"


def test_a_gate_asks_only_where_its_policy_says_whom_and_says_what_it_was_told(tmp_path: Path) -> None:
    said: list[str] = []
    context = Context(environment={}, folder=tmp_path, say=said.append, is_terminal=False, command="peakproof")
    silent = Policy(format="peakproof/policy/v1", budget=BudgetPolicy())
    assert ask_budgets(silent, [OBJECTIVE], context) is None
    assert said == []
    asks = Policy(format="peakproof/policy/v1", budget=BudgetPolicy(prometheus="http://127.0.0.1:9"))
    document = ask_budgets(asks, [OBJECTIVE], context)
    assert document is not None
    assert document.decision == "no data"
    assert said == [f"error budget: {line}" for line in budget_lines(document)]
