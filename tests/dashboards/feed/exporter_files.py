"""What the exporters of one environment read: every part of examples/exporters/exporters.yaml, from files of a folder.

With faults the same shop has oversold, sold out and disagrees with its web shop, backups are old and a drill found rows
that differ, releases failed, and the bill is unusual.
"""

import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from loadtests.evidence.steps import recorded_step, write_manifest
from loadtests.results.run_directory import RunDirectory
from tests.exporters.subjects.cost.bills import charge, days, write
from tests.exporters.subjects.recovery.test_dump_check import DUMPS
from tests.exporters.subjects.releases.test_git import Repository
from tests.record_pages import record_pages

DAY_S = 86_400
_SKUS, _SOLD = 30, 25
_BEST = f"TT-{_SOLD - 1:04}"
_OF_OTHER_HOSTS = ("hosts", "metrics", "shop_records", "release_probe")
_TAG = '{"environment": "shop"}'
Json = dict[str, Any]
_IDLE: Json = {"CommitmentDiscountStatus": "Unused", "ServiceName": "Compute"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExporterFiles:
    """The folder of one environment's exporters; `shop` is the shop's entry in targets.yaml, to be probed.

    `secure` is what differs of one that is reached over TLS. `records_url` has the order records, `primary` and
    `standby` are URLs of PostgreSQL.
    """

    folder: Path
    shop: Json
    secure: Json
    records_url: str
    primary: str
    standby: str
    faulty: bool

    def write(self) -> Path:
        """Write all; return the configuration."""
        self.folder.mkdir()
        (self.folder / "runs").mkdir()
        parts = {
            "inventory": self._inventory(),
            "orders": self._orders(),
            "recovery": self._recovery(),
            "probe": self._probe(),
            "loadgen": {"runs": "runs", "judged_every_s": 604_800},
            "releases": self._releases(),
            "cost": self._cost(),
        }
        path = self.folder / "exporters.yaml"
        path.write_text(yaml.safe_dump({"format": "peakproof/exporters/v1", **parts}))
        return path

    def _lines(self, name: str, lines: Iterable[str], age_s: float = 60) -> None:
        path, then = self.folder / name, time.time() - age_s
        path.write_text("".join(f"{line}\n" for line in lines))
        os.utime(path, (then, then))

    def _inventory(self) -> Json:
        faulty, counted = self.faulty, datetime.fromtimestamp(time.time() - 3 * DAY_S, UTC).isoformat()
        own = {place: {f"TT-{n:04}": 40 + n for n in range(_SKUS)} for place in ("warehouse", "high-street")}
        shop = {place: dict(levels) for place, levels in own.items()}
        if faulty:
            own["high-street"] |= {"TT-0001": -3, "TT-0002": 0, _BEST: 0}
            own["warehouse"] |= {"TT-0003": 0, "TT-0001": 0}
            shop["high-street"] |= {"TT-0004": 90, "TT-9999": 5}
        for place, levels in own.items():
            bad = ["TT-0029,not a number," + counted] if faulty and place == "warehouse" else []
            rows = [f"{sku},{units},{counted}" for sku, units in levels.items()]
            self._lines(f"{place}.csv", ["sku,units,counted", *rows, *bad])
        levels_of = ((place, sku, units) for place, levels in shop.items() for sku, units in levels.items())
        self._lines("web-shop.csv", ["sku,place,units", *(f"{sku},{place},{units}" for place, sku, units in levels_of)])
        sold = datetime.fromtimestamp(time.time() - DAY_S, UTC).isoformat()
        sales = [f"TT-{n:04},{1 + n * (40 if faulty else 1)},{sold}" for n in range(_SOLD)]
        self._lines("sales.csv", ["sku,units,sold", *sales])
        columns = {"sku": "sku", "quantity": "units", "counted_at": "counted"}
        location = {"columns": columns, "max_bad_rows": 5}
        return {
            "dead_after_days": 90,
            "sync_within_s": 1,
            "top_skus": 10 if faulty else 100,
            "web_shop": {
                "csv": {"path": "web-shop.csv"},
                "columns": {"sku": "sku", "location": "place", "quantity": "units"},
            },
            "locations": {
                "warehouse": {"kind": "warehouse", "csv": {"path": "warehouse.csv"}, **location},
                "high-street": {"csv": {"path": "high-street.csv"}, **location},
            },
            "sales": {
                "csv": {"path": "sales.csv"},
                "columns": {"sku": "sku", "units": "units", "last_sold_at": "sold"},
                "window_days": 28,
            },
        }

    def _orders(self) -> Json:
        records = {
            **self.shop,
            "shop_records": record_pages(
                orders=f"{self.records_url}/orders",
                payments=f"{self.records_url}/payments",
                funnel=f"{self.records_url}/funnel",
            ),
        }
        # The other hosts of the stand-in speak no TLS, and the authority is for all hosts of an environment.
        alone = {name: value for name, value in self.shop.items() if name not in _OF_OTHER_HOSTS}
        shops = {"shop": self.shop, "secure": {**alone, **self.secure}}
        document = {"format": "peakproof/targets/v1", "environments": {"records": records, **shops}}
        (self.folder / "targets.yaml").write_text(yaml.safe_dump(document))
        return {"environment": "records", "every_s": 1, "fulfilment": {"promise_s": 172_800, "print_s": 2}}

    def _recovery(self) -> Json:
        age_s = 5 * DAY_S if self.faulty else 3600
        dumps, plain = self.folder / "dumps", (DUMPS / "plain.sql").read_bytes()
        dumps.mkdir()
        for number in range(5):
            text = plain[: len(plain) // 2] if self.faulty and number == 0 else plain
            (dumps / f"{number}.sql").write_bytes(text)
            then = time.time() - age_s - number * DAY_S
            os.utime(dumps / f"{number}.sql", (then, then))
        taken = datetime.fromtimestamp(time.time() - age_s, UTC).isoformat()
        self._lines("snapshots.json", [json.dumps([{"id": "a", "time": taken}])])
        ended = datetime.fromtimestamp(time.time() - 30 * DAY_S, UTC)
        drill = {
            "format": "peakproof/restore-drill/v1", "system": "shop-database", "backup": "1.sql",
            "started_at": (ended - timedelta(hours=1)).isoformat(), "ended_at": ended.isoformat(),
            "outcome": "restored", "rows_compared": 182_340, "rows_differed": 7 if self.faulty else 0,
        }  # fmt: skip
        before = {
            **drill,
            "started_at": (ended - timedelta(days=60, hours=5)).isoformat(),
            "ended_at": (ended - timedelta(days=60)).isoformat(),
            "rows_differed": 0,
        }
        self._lines("drills.jsonl", [json.dumps(before), json.dumps(drill)])
        gone = {"standby-2": {"standby": {"value": f"{self.standby}/no-such-folder"}}} if self.faulty else {}
        return {
            "systems": {
                "shop-database": {
                    "rpo": "26h",
                    "rto": "4h",
                    "backups_every": "24h",
                    "backups": {
                        "nightly": {"pg_dump": {"folder": "dumps", "pattern": "*.sql"}},
                        "offsite": {"restic": {"file": "snapshots.json"}},
                    },
                    "drills": {"file": "drills.jsonl"},
                    "replication": {"standby-1": {"standby": {"value": self.standby}}, **gone},
                    "wal_archive": {"primary": {"value": self.primary}},
                }
            }
        }

    def _probe(self) -> Json:
        modules: Json = {"browse": {"journey": "window-shop", "limits_s": {"home": 0.5}}}
        probes = [{"target": target, "module": "browse"} for target in ("shop", "secure")]
        if self.faulty:
            modules["lost"] = {"journey": "no-such-journey"}
            probes.append({"target": "shop", "module": "lost"})
        return {"targets": "targets.yaml", "modules": modules, "probes": probes}

    def _releases(self) -> Json:
        def at(days_ago: float) -> str:
            return (datetime.now(UTC) - timedelta(days=days_ago)).isoformat()

        repository = Repository(self.folder / "repository")
        shared = {"format": "peakproof/release-event/v1", "deployed_to": "production"}
        events: list[Json] = []
        for version, days_ago in (("v1", 40), ("v2", 20), ("v3", 2)):
            commit = repository.commit(int(time.time() - (days_ago + 0.5) * DAY_S), version)
            deployed = {"at": at(days_ago), "version": version, "commit": commit, "succeeded": True}
            events.append({"event": "deployment", **deployed})
        if self.faulty:
            events += [
                {"event": "deployment", "at": at(1), "version": "v4", "succeeded": False},
                {"event": "rollback", "at": at(19.9), "version": "v2"},
            ]
        self._lines("release-events.jsonl", [json.dumps({**shared, **event}) for event in events])
        self._gate("01", "FAIL" if self.faulty else "PASS", "v2", days_ago=5)
        self._gate("02", "PASS", "v3", days_ago=0.1)
        return {
            "deployments": "events",
            "change_failure_objective": 0.15,
            "events": {"file": "release-events.jsonl"},
            "git": {"repository": "repository"},
            "gates": {},
        }

    def _gate(self, name: str, outcome: str, release: str, *, days_ago: float) -> None:
        begun = datetime.now(UTC) - timedelta(days=days_ago)
        run = self.folder / "runs" / f"{begun:%Y%m%d}T0900{name}Z-release-abcd"
        run.mkdir()
        begun_ns = int(begun.timestamp()) * 10**9
        document = {
            "format": "peakproof/run/v1",
            "release": {"before": release, "after": release},
            "plan": {"name": "release"},
            "environment": {"name": "shop"},
            "started_at": begun_ns,
            "ended_at": begun_ns + 3600 * 10**9,
        }
        directory = RunDirectory(path=run)
        directory.run.write_text(json.dumps(document))
        write_manifest(directory)
        verdict = {
            "format": "peakproof/verdict/v1", "outcome": outcome, "exit_code": 0 if outcome == "PASS" else 99,
            "decided_at": begun_ns + 3700 * 10**9 + int(name),
        }  # fmt: skip
        with recorded_step(directory, "judge", writes=[directory.verdict]):
            directory.verdict.write_text(json.dumps(verdict))

    def _cost(self) -> Json:
        hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        today = hour.replace(hour=0)
        rows = [
            row
            for month in _months(today)
            for count in (min((month + timedelta(days=32)).replace(day=1), today) - month,)
            for row in (
                *days("8", month, count.days, Tags=_TAG),
                *days("2", month, count.days, ServiceName="Storage"),
                *days("1", month, count.days, **_IDLE),
            )
        ]  # of today by the hour, so that this month is in the bill on its first day, too
        for begins in (today + timedelta(hours=n) for n in range(hour.hour + 1)):
            rows += [charge("0.3", begins, Tags=_TAG), charge("0.1", begins, ServiceName="Storage")]
            rows.append(charge("0.05", begins, **_IDLE))
        if self.faulty:
            rows += days("90", today - timedelta(days=2), 2, ServiceName="Storage")
        write(self.folder / "bills" / "bill.csv", rows)
        counted = [f"{today.date() - timedelta(days=n)},10,2000" for n in range(1, 20)]
        self._lines("counts.csv", ["day,orders,requests", *counted])
        return {
            "bills": {
                "cloud": {"path": "bills", "settled_after_s": 0, "budget": {"amount": "400.00", "currency": "USD"}}
            },
            "counts": {"file": "counts.csv"},
            "runs": {"environment": "shop", "tag": {"key": "environment", "value": "shop"}},
            "top": 2,
        }


def _months(today: datetime) -> list[datetime]:
    """Return the begins of this month and of the three before."""
    months = [today.replace(day=1)]
    for _ in range(3):
        months.append((months[-1] - timedelta(days=1)).replace(day=1))
    return months
