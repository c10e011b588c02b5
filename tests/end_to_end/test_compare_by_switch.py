"""`peakproof compare --switch` against the stand-in, as a user starts it and ends it half-way."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from loadtests.comparison.job import ComparisonJob, read_job
from scripts.local_stack.ports import HOST, Ports
from scripts.local_stack.processes import Children
from scripts.local_stack.shop import OBJECTIVES, TOKEN_VARIABLE, start_shop
from tests.ports import free_base
from tests.waiting import wait_for

BRIEF = Path(__file__).with_name("brief.yaml")
SWITCH = """\
import json, os, sys, urllib.request
release = {"a": "stable", "b": "slow-checkout"}[os.environ["PEAKPROOF_VARIANT"]]
for url in sys.argv[1:]:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {os.environ['PEAKPROOF_SHOP_TOKEN']}"}
    body = json.dumps({"release": release}).encode()
    print(urllib.request.urlopen(urllib.request.Request(url, body, headers, method="PUT")).read())
"""


def job_in(folder: Path) -> ComparisonJob | None:
    """Return the document of the comparison that is played in `folder`, None while there is none."""
    return next((read_job(path.parent) for path in (folder / "runs").glob("*-compare-*/comparison.json")), None)


@pytest.mark.heavy
@pytest.mark.timeout(280)
def test_a_comparison_that_is_ended_in_its_second_block_keeps_the_first_and_puts_a_back(tmp_path: Path) -> None:
    ports = Ports(base=free_base())
    (tmp_path / "switch.py").write_text(SWITCH)
    with Children(tmp_path / "logs") as children:
        shop = start_shop(children, tmp_path / "shop", ports, "stable", os.environ)
        admins = [f"http://{HOST}:{ports.shop_admin(replica)}/admin/release" for replica in (0, 1)]
        command = [
            *(str(Path(sys.executable).with_name("peakproof")), "compare", str(BRIEF), "--on", "stand-in"),
            *("--targets", str(shop.write_targets(tmp_path, "stand-in")), "--objectives", str(OBJECTIVES)),
            *("--switch", " ".join([sys.executable, "switch.py", *admins]), "--switch-s", "3"),
            *("--pairs", "3", "--block", "10", "--port-base", str(ports.base)),
        ]
        played = subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, env={**os.environ, TOKEN_VARIABLE: shop.token}
        )
        try:
            wait_for(lambda: (job := job_in(tmp_path)) and job.blocks, "the first block", 120)
            wait_for(lambda: len([*(tmp_path / "runs").glob("*/live.json")]) > 1, "load in the second block")
        finally:
            played.terminate()
            out, _ = played.communicate(timeout=60)
        named = requests.get(f"{shop.environment().base_url}/healthz", timeout=5).json()["version"]
    job = job_in(tmp_path)
    assert job is not None
    assert (job.ended, job.because) == ("stopped", "by hand or signal"), out
    assert named == job.a.release == "2026.47.0"
    (block,) = job.blocks
    assert block.invalid_because is None
    assert block.release == (job.a if block.variant == "a" else job.b).release
    runs = [json.loads(path.read_text())["ended"] for path in sorted((tmp_path / "runs").glob("*/run.json"))]
    assert runs == ["completed", "stopped"]
    assert played.returncode == 75
    assert not [*(tmp_path / "leases").glob("*.json")]
