"""A run directory that was made up, with the numbers that were put into it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

START = 1_795_780_800_000_000_000  # 2026-11-27 12:00:00 UTC
SECOND = 1_000_000_000
PHASES = (
    ("reference", "reference", 25, (0.5, 0.5)),
    ("warm-up", "warm-up", 8, (0.5, 0.5)),
    ("ramp", "ramp", 15, (0.5, 1.0)),
    ("plateau", "plateau", 75, (1.0, 1.0)),
    ("drain", "drain", 8, (0.0, 0.0)),
)
PEAK_PER_S = 6.0
STEPS = {"home": 0.06, "search": 0.11, "product": 0.08, "cart": 0.09, "checkout": 0.35}
DATABASE = {
    "home": ("SELECT products",),
    "search": ("SELECT products", "SELECT skus"),
    "product": ("SELECT products", "SELECT skus", "SELECT stock"),
    "cart": ("SELECT skus", "UPDATE carts"),
    "checkout": ("SELECT carts", "SELECT stock", "UPDATE stock", "INSERT orders"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A run directory with the numbers that were put into it."""

    path: Path
    requests: list[dict[str, Any]]
    sessions: list[dict[str, Any]]
    spans: list[dict[str, Any]]
    judged: tuple[int, int]

    def judged_requests(self) -> list[dict[str, Any]]:
        return [r for r in self.requests if self.judged[0] <= r["scheduled_at"] < self.judged[1]]


def phases() -> list[dict[str, Any]]:
    at = START
    made = []
    for name, kind, length, _ in PHASES:
        ends_at = at + length * SECOND
        made.append({"name": name, "kind": kind, "starts_at": at, "ends_at": ends_at, "release": None})
        at = ends_at
    return made
