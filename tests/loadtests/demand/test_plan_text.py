"""What was counted is written into the plan's file, and the rest of it stays byte for byte."""

import pytest
import yaml

from loadtests.demand.plan import Plan, Visits
from loadtests.demand.plan_text import visits_block, with_visits
from slo.documents import BadInput

BEFORE = """\
# ours
format: peakproof/plan/v1
name: small   # of the season
seed: 7
demand: {source: us, forecast_orders_per_hour: 3600, factor: 1, orders_per_session: 1, peak_sessions_per_s: 1}
phases:
- {name: warm-up, kind: warm-up, duration_s: 2, level: [1, 1]}
- {name: plateau, kind: plateau, duration_s: 5, level: [1, 1]}
- {name: drain, kind: drain, duration_s: 2}
journeys:
  look: 0.5
  buy: 0.5
"""
AFTER = """
# how long they think
think_time: {median_s: 1, sigma: 0, max_s: 1}
cart_lines: {min: 1, max: 2}
limits: {open_sessions: 10}
"""
VISITS = {
    "look": Visits(steps={"home": 1, "product": 1.333}),
    "buy": Visits(steps={"home": 1, "check-out: last": 1, "on": 2}, orders=1),
}
BLOCK = """\
visits:
  look: {steps: {home: 1, product: 1.333}}
  buy: {steps: {home: 1, "check-out: last": 1, "on": 2}, orders: 1}
"""


def test_visits_are_put_behind_the_journeys() -> None:
    edited = with_visits(BEFORE + AFTER, VISITS)
    assert edited == BEFORE + BLOCK + AFTER
    assert Plan.model_validate(yaml.safe_load(edited)).visits == VISITS


@pytest.mark.parametrize(
    "own",
    [
        "visits: {look: {steps: {home: 3}}, buy: {steps: {home: 1}, orders: 2}}\n",
        "visits:\n  look:\n    steps:\n      home: 3   # guessed\n\n  # too\n  buy: {steps: {home: 1}, orders: 2}\n",
        "visits:   # later\n  {look: {steps: {home: 3}},\n   buy: {steps: {home: 1}, orders: 2}}\n",
    ],
    ids=["on one line", "as a block", "over two lines"],
)
@pytest.mark.parametrize("after", [AFTER, AFTER.strip() + "\n"], ids=["a comment after it", "a key after it"])
def test_visits_take_the_place_of_those_that_were_there(own: str, after: str) -> None:
    assert with_visits(BEFORE + own + after, VISITS) == BEFORE + BLOCK + after


def test_they_may_stand_anywhere_and_last() -> None:
    own = "visits: {look: {steps: {home: 3}}}"
    whole = BEFORE + AFTER.lstrip("\n")
    assert with_visits(whole + own, VISITS) == whole + BLOCK.rstrip("\n")
    assert with_visits(own + "\n" + whole, VISITS) == BLOCK + whole


def test_line_ends_of_windows_stay() -> None:
    text = (BEFORE + AFTER).replace("\n", "\r\n")
    assert with_visits(text, VISITS) == (BEFORE + BLOCK + AFTER).replace("\n", "\r\n")


def test_what_peakproof_wrote_itself_can_be_edited() -> None:
    plan = Plan.model_validate(yaml.safe_load(BEFORE + AFTER))
    edited = with_visits(plan.to_yaml(), VISITS)
    assert Plan.model_validate(yaml.safe_load(edited)) == plan.model_copy(update={"visits": VISITS})
    again = with_visits(Plan.model_validate(yaml.safe_load(edited)).to_yaml(), VISITS)
    assert Plan.model_validate(yaml.safe_load(again)).visits == VISITS


def test_a_plan_that_can_not_be_edited_is_left_to_its_author_with_what_belongs_there() -> None:
    text = yaml.safe_dump(yaml.safe_load(BEFORE + AFTER), default_flow_style=True, width=10_000)
    with pytest.raises(BadInput) as refusal:
        with_visits(text, VISITS, "mine.yaml")
    assert str(refusal.value) == (
        f"mine.yaml: can't be edited as it is laid out; put this in the place of its visits:\n{BLOCK.rstrip()}"
    )


def test_the_block_reads_as_what_it_was_made_of() -> None:
    assert yaml.safe_load(visits_block(VISITS)) == {
        "visits": {
            "look": {"steps": {"home": 1, "product": 1.333}},
            "buy": {"steps": {"home": 1, "check-out: last": 1, "on": 2}, "orders": 1},
        }
    }
