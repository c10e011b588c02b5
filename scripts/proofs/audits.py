"""`make prove-audit`: fifty runs of an honest shop with time-outs, of which nothing is reported, and six of lying ones.

Each run is a line in `build/bench/audit.runs.jsonl`; a proof that was interrupted goes on where it stopped.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.benches.figures import Figure, machine_line, table, write_figures
from scripts.local_stack.ports import Ports
from scripts.local_stack.processes import Children
from scripts.local_stack.shop import TOKEN_VARIABLE
from scripts.proofs.unsteady_shop import DISTURBANCES, Disturbance, UnsteadyShop
from slo.documents import BadInput, read_json
from slo.verdict.audit_document import AuditDocument
from slo.verdict.verdict_document import VerdictDocument

COMMAND = "make prove-audit"
CLEAN = "stable"
NAMED: Mapping[str, str] = {
    "oversell": "stock-moved-by-what-was-sold",
    "double-charge": "paid-once",
    "lost-orders": "order-exists",
    "leaked-reservations": "stock-moved-by-what-was-sold",
    "price-drift": "order-as-promised",
    "mixed-up-sessions": "own-data-only",
}
"""The check by which each release with a data fault is found."""
_RUNS_A_SHOP = 10
_DISTURBED_AFTER_S = 5.0
_PORT_BASE = 28080
_PLAN = """\
format: peakproof/plan/v1
name: {name}
seed: {seed}
demand: {{source: a proof, forecast_orders_per_hour: 28800, factor: 1.0, orders_per_session: 0.8,
  peak_sessions_per_s: {rate}}}
phases:
  - {{name: warm-up, kind: warm-up, duration_s: 2, level: [1, 1]}}
  - {{name: plateau, kind: plateau, duration_s: {plateau_s}, level: [1, 1]}}
  - {{name: drain, kind: drain, duration_s: {drain_s}}}
journeys: {{search-and-buy: 0.35, click-and-collect: 0.15, design-your-own: 0.05, flash-drop: 0.15,
  hosted-payment: 0.15, return: 0.1, window-shop: 0.05}}
mix_note: every way to an order
think_time: {{median_s: 0.2, sigma: 0.5, max_s: 1}}
cart_lines: {{min: 2, max: 5}}
trace_sampling: 0.0
limits: {{open_sessions: 500}}
assumed_error_burst_s: 0.1
"""
_OBJECTIVES = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: home-answers}
spec:
  service: stand-in
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.5}]
  indicator:
    metadata: {name: home-answers}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: peakproof-records, spec: {steps: [home]}}}
        total: {metricSource: {type: peakproof-records, spec: {steps: [home]}}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What a run's audit and verdict say: the promises that are broken, and those that stay unknown."""

    run: str
    outcome: str
    broken: Mapping[str, str]
    unknown: Mapping[str, str]
    orders: Mapping[str, int | None]
    errors: int


def main(arguments: list[str]) -> int:
    """Play what is missing, print the figures; return 0 when every fault was named and no honest run reported."""
    options = _parser().parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    journal = options.folder / "audit.runs.jsonl"
    for release in NAMED if options.faults else ():
        if not [one for one in _done(journal) if one["release"] == release]:
            with _shop(options.port_base, release) as shop:
                _keep(journal, release, "none", play(shop, f"audit-{release}", seed=7))
    _play_clean(options, journal)
    figures = _figures(_done(journal), options.times)
    write_figures(options.folder / "audit.json", machine_line(), COMMAND, figures)
    print(table(figures))
    return 0 if all(figure.holds for figure in figures) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=COMMAND, description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--times", type=int, default=50, help="honest runs (%(default)s)")
    parser.add_argument("--no-faults", dest="faults", action="store_false", help="play the honest runs alone")
    parser.add_argument("--folder", type=Path, default=Path("build/bench"))
    parser.add_argument("--port-base", type=int, default=_PORT_BASE)
    return parser


def _play_clean(options: argparse.Namespace, journal: Path) -> None:
    while (left := options.times - _clean(_done(journal))) > 0:
        with _shop(options.port_base, CLEAN) as shop:
            for _ in range(min(left, _RUNS_A_SHOP)):
                number = _clean(_done(journal))
                name = list(DISTURBANCES)[number % len(DISTURBANCES)]
                drain_s = 1 if number % 4 == 3 else 5  # noqa: PLR2004 - every fourth run cuts its last sessions off
                played = play(shop, "audit-clean", seed=number + 1, drain_s=drain_s, disturbance=DISTURBANCES[name])
                _keep(journal, CLEAN, name, played)


def play(  # noqa: PLR0913 - each is one thing that a run may have of its own
    shop: UnsteadyShop,
    name: str,
    *,
    seed: int,
    plateau_s: int = 9,
    drain_s: int = 5,
    rate: float = 10.0,
    disturbance: Disturbance | None = None,
    port_base: int | None = None,
) -> Played:
    """Gate one short run against the shop, disturbed in the middle of it; raises BadInput when it left no verdict."""
    folder = shop.folder / "gate"
    folder.mkdir(exist_ok=True)
    plan = _PLAN.format(name=name, seed=seed, plateau_s=plateau_s, drain_s=drain_s, rate=rate)
    (folder / "plan.yaml").write_text(plan)
    (folder / "objectives.yaml").write_text(_OBJECTIVES)
    before = set((folder / "runs").glob("*"))
    command = [sys.executable, "-P", "-m", "scripts.cli", "gate", "plan.yaml", "--on", "stand-in"]
    command += ["--targets", str(shop.targets("stand-in")), "--port-base", str(port_base or shop.ports.base)]
    with subprocess.Popen(
        command, cwd=folder, env=dict(shop.variables), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as gate:
        disturbing = threading.Thread(target=_disturb, args=(folder, before, shop, disturbance))
        disturbing.start()
        said, _ = gate.communicate()
        disturbing.join()
    made = sorted(set((folder / "runs").glob("*")) - before)
    if not made:
        raise BadInput(f"no run: {said[-500:]}")
    return _played(made[-1])


def _disturb(folder: Path, before: set[Path], shop: UnsteadyShop, disturbance: Disturbance | None) -> None:
    """Wait until the load has been on for a moment, and disturb the shop."""
    if disturbance is None:
        return
    begun, waiting = threading.Event(), threading.Event()
    for _ in range(600):
        if any((path / "live.json").exists() for path in set((folder / "runs").glob("*")) - before):
            begun.set()
            break
        waiting.wait(0.1)
    if begun.is_set():
        waiting.wait(_DISTURBED_AFTER_S)
        disturbance(shop)


def _played(run: Path) -> Played:
    verdict = read_json(run / "verdict.json", VerdictDocument)
    audit = read_json(run / "audit.json", AuditDocument)
    document = json.loads((run / "run.json").read_text())
    audited = [one for one in verdict.findings or () if one.kind == "audit"]
    return Played(
        run=run.name,
        outcome=str(verdict.outcome),
        broken={str(one.subject): one.message for one in audited if one.severity == "fail"},
        unknown={str(one.subject): one.message for one in audited if one.severity == "inconclusive"},
        orders=dict(audit.counts or {}),
        errors=int(document["requests"]["errors"]),
    )


@contextmanager
def _shop(port_base: int, release: str) -> Iterator[UnsteadyShop]:
    with tempfile.TemporaryDirectory(prefix="peakproof-audit-") as made, Children(Path(made) / "logs") as children:
        shop = UnsteadyShop(
            children=children,
            folder=Path(made),
            ports=Ports(base=port_base),
            variables={**os.environ, TOKEN_VARIABLE: secrets.token_urlsafe(24)},
            release=release,
        )
        shop.start()
        yield shop


def _keep(journal: Path, release: str, disturbance: str, played: Played) -> None:
    line = {
        "release": release,
        "disturbance": disturbance,
        **{name: getattr(played, name) for name in ("run", "outcome", "broken", "unknown", "orders", "errors")},
    }
    with journal.open("a") as file:
        file.write(json.dumps(line) + "\n")
    found = "; ".join(f"{name}: {message}" for name, message in {**played.broken, **played.unknown}.items())
    print(f"{release:<20}{disturbance:<28}{played.outcome:<14}{found or 'nothing reported'}", flush=True)


def _done(journal: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []


def _clean(done: list[dict[str, Any]]) -> int:
    return sum(one["release"] == CLEAN for one in done)


def _figures(done: list[dict[str, Any]], times: int) -> list[Figure]:
    clean = [one for one in done if one["release"] == CLEAN][:times]
    named = [
        one for release, check in NAMED.items() for one in done if one["release"] == release and check in one["broken"]
    ]
    unknown = [one["orders"]["unknown"] or 0 for one in clean]
    return [
        Figure(name="data faults of the stand-in named", value=len({one["release"] for one in named}), op="==",
               bound=len(NAMED), runs=(), on="a run of 16 s each"),
        Figure(name="honest runs", value=len(clean), op=">=", bound=times, runs=(), on=", ".join(DISTURBANCES)),
        Figure(name="false findings in honest runs", value=sum(len(one["broken"]) for one in clean), op="==", bound=0,
               runs=(), on=f"{sum(one['orders']['attempted'] or 0 for one in clean)} orders, {sum(unknown)} unknown"),
        Figure(name="promises left unknown in honest runs", value=sum(len(one["unknown"]) for one in clean), op=None,
               bound=None, runs=(), on=f"{sum(one['errors'] for one in clean)} requests failed"),
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
