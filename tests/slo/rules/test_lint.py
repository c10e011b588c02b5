"""What `slo check` says of objectives as alerts."""

from collections.abc import Mapping

from slo.burn_rates import DAY_S
from slo.findings import Severity
from slo.rules.build import Pace
from slo.rules.lint import Exposed, lint
from slo.rules.scope import Scope
from tests.slo.rules.conftest import Make

SCOPE = Scope(environment="any", matcher="")
SIZE = "its rules record 30 series and hold 7 alerts"
FLOOR = "10% of its budget in 3d is a burn rate of 0.933, which can be sustained: its alert takes 1"


def exposed(series: Mapping[str, int]) -> Exposed:
    return Exposed(where="http://p.test", count=lambda selector: series.get(selector, 0))


def said(found: tuple[object, ...]) -> list[tuple[Severity, str]]:
    return [(one.severity, one.message) for one in found]  # type: ignore[attr-defined]


def test_a_factor_below_one_is_noted_and_the_size_told(objective: Make) -> None:
    assert said(lint([objective()], SCOPE, Pace())) == [(Severity.NOTE, FLOOR), (Severity.NOTE, SIZE)]


def test_an_objective_that_can_never_page_is_wrong(objective: Make) -> None:
    found = said(lint([objective(target=0.8)], SCOPE, Pace()))
    assert (Severity.FAIL, "no page can fire, whatever happens: choose a higher target or a shorter period") in found
    assert (
        Severity.NOTE,
        "no alert over 6h: it can never fire: its error ratio would have to exceed 1.12",
    ) in found


def test_a_window_longer_than_what_is_kept_is_wrong(objective: Make) -> None:
    found = said(lint([objective()], SCOPE, Pace(), retention_s=2 * DAY_S))
    assert [message for severity, message in found if severity is Severity.FAIL] == [
        "the alert over 3d reads 3d, and Prometheus keeps 2d",
        "the budget that is left reads 28d, and Prometheus keeps 2d",
    ]


def test_a_bucket_that_is_not_exposed_is_wrong(objective: Make) -> None:
    timed = objective('h_bucket{job="shop",le="0.3"}', 'h_count{job="shop"}')
    found = said(lint([timed], SCOPE, Pace(), exposed=exposed({'h_count{job="shop"}': 3})))
    assert found[-1] == (
        Severity.FAIL,
        'http://p.test has no h_bucket with le="0.3": not exposed, or renamed',
    )


def test_no_series_at_all_is_unknown(objective: Make) -> None:
    found = said(lint([objective()], SCOPE, Pace(), exposed=exposed({})))
    total = 'http_requests_total{job="shop",route="/checkout"}'
    assert found[-1] == (Severity.INCONCLUSIVE, f"http://p.test has no series of {total}")


def test_selectors_of_too_many_series_are_wrong(objective: Make) -> None:
    many = Exposed(where="http://p.test", count=lambda _: 20_000)
    found = said(lint([objective()], SCOPE, Pace(), exposed=many))
    assert found[-1] == (
        Severity.FAIL,
        (
            "its longest query of counters loads 57,600,000 samples of 20,000 series,"
            " and Prometheus allows 50,000,000 by default: narrow its selectors"
        ),
    )
