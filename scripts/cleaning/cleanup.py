"""A cleanup: behind every guard rail of a run, removes what it created; the shop's records prove what is left."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.audit.unavailable import SourceUnavailableError
from loadtests.cleanup.journal import Journal, key_of
from loadtests.cleanup.proof import Left, Proof, of_ledger
from loadtests.cleanup.shop_orders import ShopOrders
from loadtests.cleanup.told import many
from loadtests.cleanup.what_to_remove import WhatToRemove, what_to_remove
from loadtests.environment.resolved_environment import ResolvedEnvironment, resolve_environment
from loadtests.guardrails.access import check_allowed
from loadtests.results.created import ORDER, Created
from loadtests.results.run_json import PEAKPROOF
from loadtests.runtime.clock import Clock
from scripts.cleaning.records import ShopRecords, records_of
from scripts.cleaning.removing import Removal, Remover
from scripts.cleaning.subject import Subject
from scripts.cleaning.view import line_of, listing, proof_lines, results
from scripts.context import Context
from scripts.running.guards import Watches, check_environment, lease_of
from slo.outcomes import EnvironmentLacks, ExitCode

_SAY_EVERY_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How a cleanup was asked for: whether it only lists, and whether a run that wasn't audited may be cleaned up.

    `name` is what the command called the run.
    """

    name: str
    dry_run: bool
    unaudited: bool
    lease_folder: Path


def clean_up(subject: Subject, asked: Asked, context: Context) -> ExitCode:
    """Clean up and say what is left: 0 when all is proven to be gone, 99 when something is left, else 75."""
    environment, name = subject.environment, subject.inputs.environment_name
    context.say(f"cleanup of {subject.directory.name} on {name} ({environment.base_url})")
    resolved = resolve_environment(environment, context.environment)
    journal = Journal(subject.directory.cleanup)
    with records_of(subject, resolved, context.environment) as records:
        known = _read(records)
        found = _what(subject, known, journal)
        for line in listing(found, subject.storefront.name, all_of_them=asked.dry_run):
            context.say(line)
        if asked.dry_run:
            context.say("a dry run: nothing was removed")
            proof = records.proof(known, removed_some=journal.has_removed_orders)
            return _conclude(proof + _own(subject, found, journal), context)
        _check(subject, asked, records, found)
        worked = False
        if found.items:
            try:
                worked = _remove(subject, found.items, journal, resolved, asked, context)
            except KeyboardInterrupt:
                context.say("interrupted: what was removed until now is in cleanup.jsonl; go on with the same command")
                raise
        after = _what(subject, known, journal)
        prove = records.settled if worked else records.proof
        proof = prove(known, removed_some=journal.has_removed_orders)
        proof += _own(subject, after, journal)
        code = _conclude(proof, context)
        with journal:
            journal.ended(Clock.start().now(), len(proof.left), len(proof.unproven))
        return code


def _read(records: ShopRecords) -> ShopOrders | None:
    """Return the run's orders by the shop's word; raises EnvironmentLacks where that is declared and can't be had."""
    try:
        return records.orders()
    except SourceUnavailableError as error:
        raise EnvironmentLacks(
            f"the shop's records of its orders are {error}: whose an order is isn't known, so nothing was removed"
        ) from error


def _what(subject: Subject, known: ShopOrders | None, journal: Journal) -> WhatToRemove:
    kinds = tuple(subject.storefront.cleanups)
    return what_to_remove(subject.attempts, subject.created, known, journal.outcomes, kinds)


def _check(subject: Subject, asked: Asked, records: ShopRecords, found: WhatToRemove) -> None:
    """Raise EnvironmentLacks for what may not be cleaned up."""
    name = subject.inputs.environment_name
    if subject.inputs.production:
        raise EnvironmentLacks(f"{name} is production: nothing is removed there; list it with --dry-run")
    is_audited = subject.directory.audit.exists() or asked.unaudited
    if found.items and not is_audited and records.sources.declares("orders"):
        raise EnvironmentLacks(
            "the run isn't audited, and can't be once its orders are removed: first run `peakproof audit"
            f" {asked.name}`, or say --unaudited"
        )


def _remove(
    subject: Subject,
    items: Sequence[Created],
    journal: Journal,
    resolved: ResolvedEnvironment,
    asked: Asked,
    context: Context,
) -> bool:
    """Remove what there is, behind the guard rails; then ask once more for what no records tell of.

    Return whether nothing failed.
    """
    clock = Clock.start()
    check_allowed(subject.inputs, None, resolved)
    with lease_of(subject.inputs, asked.lease_folder, context.say) as lease:
        lease.name_run(subject.directory.name)
        check_environment(resolved, ())
        with Watches(resolved, lease, clock, context) as watches, journal:
            journal.began(clock.now(), PEAKPROOF)
            remover = Remover(subject, resolved, context.environment, journal, watches.why_stop)
            removal = remover.remove(items, _progress(len(items), context))
            for line in results(items, removal):
                context.say(line)
            outcomes = tuple(removal.outcomes.values())
            again = [] if removal.stopped else _acknowledged(items, removal)
            if again:
                context.say(f"asking once more for {len(again):,} that no shop records tell of")
                removal = remover.remove(again, lambda _done: None)
            if removal.stopped:
                context.say(f"the cleanup was ended: {removal.stopped}; go on with the same command")
            return removal.stopped is None and all(one.outcome != "failed" for one in outcomes)


def _acknowledged(items: Sequence[Created], removal: Removal) -> list[Created]:
    """Return what the shop said it removed and has no records of."""
    done = removal.outcomes.values()
    return [items[one.number] for one in done if one.outcome == "removed" and items[one.number].kind != ORDER]


def _progress(whole: int, context: Context) -> Callable[[int], None]:
    said_at: float | None = None

    def progress(done: int) -> None:
        nonlocal said_at
        said_at = said_at or time.monotonic()
        if time.monotonic() - said_at >= _SAY_EVERY_S:
            said_at = time.monotonic()
            context.say(f"  {done:,} of {whole:,}")

    return progress


def _own(subject: Subject, found: WhatToRemove, journal: Journal) -> Proof:
    """Return what the run directory says of what no shop records tell: accounts, carts, orders without records."""
    left: list[Left] = []
    unproven: list[str] = []
    others = {kind: number for kind, number in found.gone.items() if kind != ORDER and number}
    shown = tuple(f"{many(number, kind)}: asked again, the shop has none of them" for kind, number in others.items())
    for one in (*found.items, *found.no_method):
        if one.kind == ORDER and one.status:
            continue  # the shop's records tell
        if journal.outcomes.get(key_of(one)) == "removed":
            unproven.append(f"{line_of(one)}: the shop said that it removed it, and asked once more it said so again")
        else:
            left.append(Left(one.kind, line_of(one)))
    unproven += [f"order with key {key}: whether it was made isn't known" for key in found.untold]
    own = Proof(left=tuple(left), unproven=tuple(unproven), shown=shown)
    return own + of_ledger(subject.lacking, unnoted_accounts=subject.unnoted_accounts)


def _conclude(proof: Proof, context: Context) -> ExitCode:
    for line in proof_lines(proof):
        context.say(line)
    if proof.left:
        return ExitCode.FAIL
    if proof.unproven:
        context.say("nothing of the run is known to be left, and that isn't proven")
        return ExitCode.INCONCLUSIVE
    context.say("everything that the run created is gone")
    return ExitCode.OK
