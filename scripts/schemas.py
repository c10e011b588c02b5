"""Publish the JSON Schemas of the files that users and Peakproof write: `python -m scripts.schemas [--check]`."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from exporters.config import ExportersConfig
from exporters.serving.web_config import WebConfig
from exporters.subjects.recovery.drill_records import DrillRecord
from exporters.subjects.releases.release_events import ReleaseEvent
from loadtests.audit.shop_records import StockDocument
from loadtests.comparison.job import ComparisonJob
from loadtests.demand.forecast import Forecast
from loadtests.demand.plan import Plan
from loadtests.demand.resources import Prices
from loadtests.environment.targets import Targets
from loadtests.evidence.manifest import ManifestDocument
from loadtests.results.error_samples import ErrorSample
from loadtests.results.live_document import LiveDocument
from loadtests.results.run_directory import write_bytes
from loadtests.results.worker_status import WorkerStatus
from loadtests.run_store.aggregates import Aggregates
from loadtests.run_store.entries import Mark, StoreDocument, StoreEntry
from loadtests.trial.messages import TryEvent
from slo.outcomes import ExitCode
from slo.policy.budget_document import BudgetDocument
from slo.policy.policy import Policy
from slo.policy.waivers import WaiverFile
from slo.regression.verdict_document import ComparisonVerdict
from slo.validity.run_document import RunDocument
from slo.verdict.audit_document import AuditDocument
from slo.verdict.verdict_document import VerdictDocument

FOLDER = Path(__file__).parent.parent / "docs" / "schemas"
MODELS: dict[str, type[BaseModel]] = {
    "aggregates": Aggregates,
    "store": StoreDocument,
    "store-entry": StoreEntry,
    "mark": Mark,
    "plan": Plan,
    "targets": Targets,
    "forecast": Forecast,
    "run": RunDocument,
    "manifest": ManifestDocument,
    "audit": AuditDocument,
    "verdict": VerdictDocument,
    "comparison": ComparisonJob,
    "comparison-verdict": ComparisonVerdict,
    "live": LiveDocument,
    "worker": WorkerStatus,
    "exporters": ExportersConfig,
    "web-config": WebConfig,
    "restore-drill": DrillRecord,
    "release-event": ReleaseEvent,
    "stock": StockDocument,
    "error-sample": ErrorSample,
    "try-event": TryEvent,
    "policy": Policy,
    "waivers": WaiverFile,
    "budget": BudgetDocument,
    "prices": Prices,
}


def rendered(model: type[BaseModel]) -> bytes:
    """Return the bytes of a model's schema file: the same for the same code."""
    return json.dumps(model.model_json_schema(), indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def main(arguments: Sequence[str]) -> int:
    """Write every schema, or with `--check` say which differ from the code and end with 99."""
    stale = []
    for name, model in MODELS.items():
        path = FOLDER / f"{name}.schema.json"
        if not path.exists() or path.read_bytes() != rendered(model):
            stale.append(path)
    if "--check" in arguments:
        for path in stale:
            print(f"stale: {path.name} differs from the code: make schemas")
        return ExitCode.FAIL if stale else ExitCode.OK
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in stale:
        write_bytes(path, rendered(MODELS[path.name.removesuffix(".schema.json")]))
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
