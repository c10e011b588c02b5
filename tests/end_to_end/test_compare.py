"""Two releases of one shop, compared as users do: a header, a cookie or a host chooses, and the slower one fails."""

import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts.local_stack.prometheus_binary import find_prometheus
from slo.outcomes import EnvironmentLacks
from tests.bad_input.process import COMMAND, MEASURED, Ended
from tests.ports import free_base
from tests.scripts.comparing.two_releases import HEADER, TwoReleases, by_header, serving, write_inputs

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(400)]
QUICK, SLOW = 0.02, 0.3
Way = Callable[[str, TwoReleases], dict[str, Any]]


@pytest.fixture(scope="module")
def prometheus() -> str:
    try:
        return str(find_prometheus(os.environ, print))
    except EnvironmentLacks as error:
        pytest.skip(str(error))


def compare(folder: Path, prometheus: str, *arguments: str) -> Ended:
    """Run `peakproof compare` to its end."""
    variables = {"PATH": os.environ["PATH"], "HOME": str(folder), "PEAKPROOF_PROMETHEUS": prometheus, **MEASURED}
    done = subprocess.run(
        [*COMMAND, "compare", *arguments, "--port-base", str(free_base())],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        timeout=360,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return Ended(code=done.returncode, out=done.stdout, err=done.stderr)


def by_cookie(release: str, _: TwoReleases) -> dict[str, Any]:
    return {"cookie": {"release": release}}


def by_host(_: str, shop: TwoReleases) -> dict[str, Any]:
    return {"base_url": shop.url_of_b}


def a_header(release: str, _: TwoReleases) -> dict[str, Any]:
    return {"header": {HEADER: release}}


@pytest.mark.parametrize(("way_a", "way_b"), [(a_header, by_cookie), (by_cookie, by_host)])
def test_a_slower_release_is_seen_in_each_pair_and_never_passes(
    tmp_path: Path, prometheus: str, way_a: Way, way_b: Way
) -> None:
    with serving({"a": QUICK, "b": SLOW}, {"a": "1.0", "b": "1.1"}) as shop:
        write_inputs(tmp_path, shop.url, {"before": way_a("a", shop), "after": way_b("b", shop)})
        design = ("--pairs", "3", "--block", "5")
        played = compare(tmp_path, prometheus, "plan.yaml", "--on", "staging", *design)
    (folder,) = (tmp_path / "runs").glob("*-compare-both-*")
    job = json.loads((folder / "comparison.json").read_text())
    assert [(block["variant"], block["release"]) for block in job["blocks"]] == [
        (block["variant"], {"a": "1.0", "b": "1.1"}[block["variant"]]) for block in job["blocks"]
    ]
    assert (len(job["blocks"]), job["ended"]) == (6, "played_out")
    met = Counter(release for path, release in shop.met if path != "/version")
    assert set(met) == {"a", "b"}
    verdict = json.loads((folder / "comparison-verdict.json").read_text())
    measures = {one["name"]: one for one in verdict["measures"]}
    pairs = measures["checkout-fast"]["blocks"]
    assert all(one["b"] > max(SLOW, one["a"]) for one in pairs), pairs
    assert measures["orders-per-session"]["value_a"] == measures["orders-per-session"]["value_b"] == 1.0
    # On a machine that is too busy three short pairs may show nothing, or the load be late: never a PASS.
    code = {"FAIL": 99, "INCONCLUSIVE": 75}[verdict["outcome"]]
    assert (played.code, verdict["outcome"] == "FAIL" and bool(verdict["invalid_because"])) == (code, False)
    assert f"{verdict['outcome']}: after (1.1) (B) against before (1.0) (A) on staging" in played.out
    again = compare(tmp_path, prometheus, "--judge", str(folder))
    assert again.code == code
    assert json.loads((folder / "comparison-verdict.json").read_text())["measures"] == verdict["measures"]


def test_variants_that_are_one_release_are_refused_before_any_load(tmp_path: Path, prometheus: str) -> None:
    with serving({}, {"a": "1.0", "b": "1.0"}) as shop:
        write_inputs(tmp_path, shop.url, by_header())
        refused = compare(tmp_path, prometheus, "plan.yaml", "--on", "staging")
    assert refused.code == 75
    assert "both variants say that they are the release 1.0" in refused.err
    assert {path for path, _ in shop.met} == {"/version"}
