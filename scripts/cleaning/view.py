"""What a cleanup says to a person: what the run created, what became of it, and what is left."""

from collections import Counter
from collections.abc import Iterator, Sequence

from loadtests.cleanup.proof import Proof
from loadtests.cleanup.told import many
from loadtests.cleanup.what_to_remove import WhatToRemove
from loadtests.results.created import Created
from scripts.cleaning.removing import Removal
from slo.formatting import clean, clip

_MOST, _MOST_LEFT, _WIDEST = 20, 5, 240


def listing(found: WhatToRemove, name: str, *, all_of_them: bool) -> Iterator[str]:
    """Return what the run created: how many of each kind, and with `all_of_them` (a dry run) each one."""
    kinds = Counter(one.kind for one in found.items)
    without = Counter(one.kind for one in found.no_method)
    if not (kinds or without or found.gone or found.untold):
        yield "the run created nothing that is known"
    for kind, number in kinds.items():
        yield f"to remove: {many(number, kind)}"
        if all_of_them:
            yield from few([line_of(one) for one in found.items if one.kind == kind], most=len(found.items))
    for kind, number in without.items():
        yield f'not known how: {many(number, kind)}: {name} marks no method @cleanup("{kind}")'
        ones = [line_of(one) for one in found.no_method if one.kind == kind]
        yield from few(ones, most=len(ones) if all_of_them else _MOST)
    for kind, number in found.gone.items():
        if number:
            yield f"gone already: {many(number, kind)}"
    if found.untold:
        yield f"of unknown outcome: {many(len(found.untold), 'order')}: no answer came, and no shop records tell"
        yield from few([f"key {key}" for key in found.untold])


def results(items: Sequence[Created], removal: Removal) -> Iterator[str]:
    """Return what became of the things that were to be removed."""
    counted: dict[str, Counter[str]] = {"removed": Counter(), "gone": Counter()}
    failed: list[str] = []
    for number, one in sorted(removal.outcomes.items()):
        if one.outcome == "failed":
            failed.append(f"{line_of(items[number])}: {one.why}")
        else:
            counted[one.outcome][items[number].kind] += 1
    for word, kinds in (("removed", counted["removed"]), ("gone already", counted["gone"])):
        if kinds:
            yield f"{word}: {', '.join(many(number, kind) for kind, number in kinds.items())}"
    if failed:
        yield f"failed: {len(failed)}"
        yield from few(failed)
    if left := len(items) - len(removal.outcomes):
        yield f"not tried: {left}"


def proof_lines(proof: Proof) -> Iterator[str]:
    """Return what the shop's records show, what is left, and what isn't proven."""
    for line in proof.shown:
        yield f"shown: {line}"
    for what in dict.fromkeys(one.what for one in proof.left):
        ones = [one.detail for one in proof.left if one.what == what]
        yield f"LEFT: {many(len(ones), what)}"
        yield from few(ones, most=_MOST_LEFT)
    if proof.unproven:
        yield "NOT PROVEN:"
        yield from few(proof.unproven)


def few(lines: Sequence[str], most: int = _MOST) -> Iterator[str]:
    """Return lines, indented, the first of many."""
    for line in lines[:most]:
        yield f"  {clip(clean(line), _WIDEST)}"
    if len(lines) > most:
        yield f"  and {len(lines) - most:,} more"


def line_of(one: Created) -> str:
    """Return one thing in a few words."""
    if one.id:
        status = f" ({one.status})" if one.status else ""
        return f"{one.kind} {one.id}{status}"
    return f"{one.kind} of session {one.session}" if one.session is not None else f"{one.kind} with key {one.key}"
