"""A shop whose cart fails is no shop whose checkout is fine: played, recorded and judged by the commands."""

from pathlib import Path

import pytest

from tests.end_to_end.played import play, prometheus, shop, write_inputs
from tests.loadtests.fake_shop import FakeShop
from tests.scripts.world import slo

__all__ = ["prometheus", "shop"]
pytestmark = [pytest.mark.heavy, pytest.mark.timeout(180)]
BOUGHT = "{journeys: [search-and-buy]}"
# Both so loose that they are met: it is the visits that broke off which keep them from a PASS.
OBJECTIVES = "---\n".join(
    (
        slo("checkout-answers", "{steps: [checkout]}", "{steps: [checkout]}", target=0.5),
        slo("purchases", BOUGHT, BOUGHT, "peakproof-sessions", target=0.2),
    )
)


def test_every_third_cart_that_fails_keeps_the_checkouts_that_were_made_from_a_pass(
    tmp_path: Path, shop: FakeShop, prometheus: str
) -> None:
    """GATE §2.5, and an objective about journeys that counts what no request says."""
    write_inputs(tmp_path, shop.url, plateau_s=14)
    (tmp_path / "objectives.yaml").write_text(OBJECTIVES)
    shop.failing["/cart"] = 3
    with play(tmp_path, prometheus) as played:
        assert played.peak.ended() == 75, played.peak.told()
    verdict = played.judged()
    checkouts, purchases = verdict["objectives"]
    assert [(one["outcome"], one["bad"]) for one in (checkouts, purchases)] == [("met", 0), ("met", purchases["bad"])]
    assert 0.25 < purchases["bad"] / purchases["events"] < 0.4
    assert purchases["journeys"] == ["search-and-buy"]
    (found,) = (one for one in verdict["findings"] if one["severity"] == "inconclusive")
    assert (verdict["outcome"], found["subject"]) == ("INCONCLUSIVE", "steps")
    assert found["message"].startswith("checkout was asked for ")
    assert f"; visits ended at cart: http_5xx ({purchases['bad']})" in found["message"]
