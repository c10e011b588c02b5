"""A profile is a length of run: what each can prove, and at which rate, is what the documentation says."""

import re
from pathlib import Path

import pytest

from loadtests.demand.profiles import PEAK, PROFILES, RELEASE, SMOKE
from slo.design_effect import planned_design_effect
from slo.objectives.indicators import HANGS_S
from slo.objectives.planning import HEALTHY, PROVABLE
from slo.statistics import chance_of_proof_alone

PAGE = Path(__file__).parents[3] / "docs" / "your-own-shop.md"
MINUTES = {SMOKE: 3, RELEASE: 15, PEAK: 120}
RATES = [*(tenth / 10 for tenth in range(1, 10)), *range(1, 60), 100, 300, 1000]


def documented() -> list[tuple[str, float, str]]:
    """Return profile, target and least rate of the documented table; `never` where no rate is enough."""
    named = "|".join(PROFILES)
    rows = re.findall(rf"^\| `({named})`, .*?\| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    cells = [(name, cell) for name, rest in rows for cell in rest.split(" | ")[-3:]]
    return [(name, target, cell) for (name, cell), target in zip(cells, [0.95, 0.99, 0.999] * len(rows), strict=True)]


def provable_from(profile: str, budget: float) -> str:
    """Return the least rate a second from which on every one makes an objective provable at bursts of a second."""
    too_low = [
        rate
        for rate in RATES
        if chance_of_proof_alone(
            PROFILES[profile].judged_s * rate, planned_design_effect(rate, 1.0), budget, budget * HEALTHY
        )
        < PROVABLE
    ]
    if len(too_low) == len(RATES):
        return "never"
    return f"{next(rate for rate in RATES if not too_low or rate > too_low[-1]):g}"


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_lasts_as_long_as_it_says_and_judges_only_the_peak(profile: str) -> None:
    phases = PROFILES[profile].phases
    assert sum(phase.duration_s for phase in phases) == PROFILES[profile].duration_s == 60 * MINUTES[profile]
    judged = [phase for phase in phases if phase.kind in ("ramp", "plateau")]
    assert [phase.level for phase in judged] == [(1, 1)]


@pytest.mark.parametrize("profile", PROFILES)
def test_a_drain_outlasts_a_request_that_hangs(profile: str) -> None:
    assert PROFILES[profile].drain_s >= HANGS_S + 2


def test_what_each_profile_proves_from_which_rate_on_is_documented() -> None:
    rows = documented()
    assert [name for name, _, _ in rows] == [name for name in PROFILES for _ in range(3)]
    assert [(name, target, provable_from(name, round(1 - target, 6))) for name, target, _ in rows] == rows


def test_a_release_proves_99_percent_and_a_peak_three_nines() -> None:
    assert provable_from(RELEASE, 0.01) != "never"
    assert provable_from(PEAK, 0.001) != "never"
