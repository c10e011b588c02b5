"""What the example of django-oscar ships fits together, and what it is made of is pinned."""

import re

from loadtests.demand.plan import read_plan
from loadtests.demand.visits import uncounted
from loadtests.environment.targets import read_targets
from loadtests.storefronts import load_storefront
from slo.objectives.reading import read_objectives
from tests.example_shops.oscar import EXAMPLE, LOCK

PLANS = ("plan.yaml", "drop.yaml")


def test_the_plans_play_journeys_of_the_storefront() -> None:
    storefront, plans = load_storefront(EXAMPLE / "storefront.py"), [read_plan(EXAMPLE / name) for name in PLANS]
    assert {journey for plan in plans for journey in plan.journeys} == storefront.journeys.keys()


def test_the_drops_visits_are_counted_and_what_it_does_not_judge_is_an_objective() -> None:
    drop = read_plan(EXAMPLE / "drop.yaml")
    assert uncounted(drop) == ()
    assert {one.objective for one in drop.not_judged} < {
        one.name for one in read_objectives([EXAMPLE / "objectives.yaml"])
    }


def test_the_targets_name_the_files_beside_them() -> None:
    environment = read_targets(EXAMPLE / "targets.yaml").environments["local"]
    assert not isinstance(environment.storefront, str)
    assert environment.shop_records is not None
    files = [environment.storefront.file, environment.shop_records.file]
    assert files == [str(EXAMPLE / "storefront.py"), str(EXAMPLE / "records.py")]


def test_what_the_shop_is_made_of_is_pinned_with_hashes_and_without_addresses() -> None:
    text = LOCK.read_text()
    packages = [part for part in re.split(r"\n(?=\S)", text.strip()) if not part.startswith("#")]
    assert "://" not in text
    assert any(package.startswith("django-oscar==4.2.") for package in packages)
    assert [one for one in packages if not re.match(r"[a-z0-9._-]+==\S+[^#]*--hash=sha256:[0-9a-f]{64}", one)] == []
