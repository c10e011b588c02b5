"""A run directory as `peakproof run` prepares it for its workers."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from loadtests.environment.targets import Environment, redacted
from loadtests.results.run_directory import RunDirectory, write_json
from loadtests.worker.job import write_job
from tests.loadtests.fakes import plan_facts

SHIPPED = Path(__file__).parents[2] / "slo" / "objectives" / "twisted-threads.yaml"


def prepared_run(
    folder: Path,
    base_url: str,
    recorder_url: str | None = None,
    declared: Mapping[str, Any] | None = None,
    **plan: object,
) -> RunDirectory:
    """Return a run directory with everything a worker reads; `plan` changes the small plan, `declared` the target."""
    directory = RunDirectory(path=folder / "20261127T000000Z-small-abcd")
    directory.objectives.mkdir(parents=True)
    shutil.copy(SHIPPED, directory.objectives)
    directory.plan.write_text(yaml.safe_dump(plan_facts(**plan)))
    environment = Environment.model_validate(
        {
            "base_url": base_url,
            "storefront": "twisted-threads",
            "ceiling": {"requests_per_s": 500, "open_sessions": 50, "orders": 1000},
            "token_env": "PEAKPROOF_SHOP_TOKEN",
            **(declared or {}),
        }
    )
    write_json(directory.targets, redacted("lab", environment))
    write_job(directory, recorder_url, "0.1.0")
    return directory
