"""Whether the accounts and the test data of an environment are enough for a plan, as far as that is known before."""

import math
from collections.abc import Mapping
from pathlib import Path

from loadtests.demand.concurrency import REPLY_S, accounts_needed
from loadtests.demand.plan import Plan
from loadtests.demand.visits import uncounted
from loadtests.environment.data_files import FileFacts
from loadtests.environment.data_targets import ACCOUNTS, DataTargets
from slo.documents import BadInput
from slo.formatting import count, percent


def data_needed(
    plan: Plan,
    declared: DataTargets,
    files: Mapping[str, FileFacts],
    workers: int,
    customers: frozenset[str] = frozenset(),
) -> list[str]:
    """Return lines that say what the plan needs of accounts and data, and what there is; none without any.

    `customers` are the journeys that no guest plays.
    """
    lines = [] if declared.accounts is None else _accounts(plan, declared, files, workers, customers)
    for name in declared.data:
        rows, use = files[name].rows, declared.use_of(name)
        how = {
            "shared": "drawn at random",
            "exclusive": "each in one session at a time",
            "once": f"each used once, by up to {count(round(plan.curve().total))} sessions",
        }[use]
        lines.append(f"{name}: {_rows(rows)}, {how}")
    return lines


def check_enough(declared: DataTargets, files: Mapping[str, FileFacts], workers: int) -> None:
    """Raise BadInput for a file of which a worker would have no row: each gives out those that it alone owns."""
    for name, path in declared.data_files().items():
        if declared.use_of(name) != "shared" and files[name].rows < workers:
            raise BadInput(
                f"{path}: has {_rows(files[name].rows)} for {workers} workers, which share none of them; add rows,"
                " or use fewer --workers"
            )


def _rows(rows: int) -> str:
    return f"{count(rows)} row{'' if rows == 1 else 's'}"


def _accounts(
    plan: Plan, declared: DataTargets, files: Mapping[str, FileFacts], workers: int, customers: frozenset[str]
) -> list[str]:
    accounts = declared.accounts
    assert accounts is not None  # noqa: S101 - asked for above
    share = accounts.share
    kinds = f"{percent(share.guest)} guests, {percent(share.new)} new, {percent(share.returning)} returning customers"
    lines = [f"accounts: {kinds}"]
    of_customers = share.of_customers
    parts = (part * (of_customers if name in customers else share).returning for name, part in plan.journeys.items())
    returning = round(math.fsum(parts), 9)
    if not returning or ACCOUNTS not in files:
        return lines
    name, rows = Path(str(accounts.file)).name, files[ACCOUNTS].rows
    if not accounts.exclusive:
        return [*lines, f"  {name} has {count(rows)}, which sessions share: more than one may be in the same account"]
    if missing := uncounted(plan):
        why = f"how many steps a session of {', '.join(missing)} has isn't counted yet (peakproof try)"
        return [*lines, f"  {name} has {count(rows)}; how many the peak needs isn't known: {why}"]
    need = accounts_needed(plan, returning, workers)
    spread = "" if workers == 1 else f", over {workers} workers"
    lines.append(
        f"  the peak needs about {count(need.accounts)}: {need.rate:.1f} returning customers/s for about"
        f" {need.session_s:,.1f} s each, at {REPLY_S:g} s a reply{spread}; {name} has {count(rows)}"
    )
    if rows < need.accounts:
        lines.append(
            f"  {count(need.accounts - rows)} too few: sessions without one are dropped (no_account); add accounts, or"
            " lower share.returning"
        )
    return lines
