"""One short run of a shop with four data faults at once: each is named, by the audit or by the sessions' canaries."""

import dataclasses
import json
import os
from pathlib import Path

import pytest

from scripts.local_stack.ports import Ports
from scripts.local_stack.processes import Children
from scripts.local_stack.shop import TOKEN_VARIABLE
from scripts.proofs.audits import play
from scripts.proofs.unsteady_shop import UnsteadyShop
from tests.end_to_end.played import prometheus
from tests.ports import free_base

__all__ = ["prometheus"]
pytestmark = [pytest.mark.heavy, pytest.mark.timeout(180)]
FAULTS = ["acknowledged-before-commit", "prices-of-the-next-list", "stock-taken-again-on-retry", "name-cached-for-all"]
BROKEN = {"order-exists", "order-as-promised", "stock-moved-by-what-was-sold", "own-data-only"}


def test_each_data_fault_of_a_release_is_named_and_the_run_fails(tmp_path: Path, prometheus: str) -> None:
    releases = tmp_path / "releases.yaml"
    release = {"version": "1.0", "faults": FAULTS}
    releases.write_text(json.dumps({"format": "peakproof/releases/v1", "releases": {"faulty": release}}))
    with Children(tmp_path / "logs") as children:
        shop = UnsteadyShop(
            children=children,
            folder=tmp_path / "shop",
            ports=Ports(base=free_base()),
            variables={**os.environ, TOKEN_VARIABLE: "token-of-the-shop", "PEAKPROOF_PROMETHEUS": prometheus},
            release="faulty",
            releases=releases,
        )
        shop.start()
        played = play(shop, "data-faults", seed=3, plateau_s=6, drain_s=3)
        samples = "".join(path.read_text() for path in shop.folder.glob("gate/runs/*/errors/*.jsonl"))
    assert played.outcome == "FAIL"
    assert played.broken.keys() >= BROKEN, dataclasses.asdict(played)
    assert "another shopper's data: the canary of session " in samples
    assert "the price drifted: the cart showed " in samples
