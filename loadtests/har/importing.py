"""From one recording of a visit, or two, to a storefront's draft."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from loadtests.har.addresses import secrets_in_path, secrets_of
from loadtests.har.alignment import Alignment, align
from loadtests.har.draft import draft
from loadtests.har.entries import Recording
from loadtests.har.flow import Flow, Key, trace
from loadtests.har.material import Draft, Material
from loadtests.har.naming import step_names
from loadtests.har.navigation import moves_of
from loadtests.har.personal import is_opaque, without_scheme
from loadtests.har.purchase import Purchase, find_purchase
from loadtests.har.visit import Visit, read_visit

_LEAST_SECRET = 16
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A draft, the visit that it is of, and what it rests on; `labels` are those of the hosts beside the first."""

    draft: Draft
    visit: Visit
    flow: Flow
    purchase: Purchase | None
    alignment: Alignment | None
    labels: Mapping[str, str]


def import_visit(recording: Recording, again: Recording | None = None, own: Sequence[str] = ()) -> Imported:
    """Return the draft of a recorded visit; hosts in `own` are the shop's, too. Raises BadInput.

    `again` is the same visit by another shopper.
    """
    visit = read_visit(recording, own)
    second = None if again is None else read_visit(again, own)
    alignment = None if second is None else align(visit.requests, second.requests)
    varying: Mapping[Key, str] = {} if alignment is None else alignment.varying
    constant: frozenset[Key] = frozenset() if alignment is None else alignment.constant
    moves = moves_of(visit.requests)
    flow = trace(moves, frozenset(varying), constant)
    purchase = find_purchase(visit.requests, frozenset(taken.source for taken in flow.taken))
    by_id = frozenset(
        part
        for (number, where, place), use in flow.uses.items()
        for step, part in enumerate(visit.requests[number].first.parts.path.split("/"))
        if where == "path" and use.taken is not None and place == (step,)
    )
    by_id |= frozenset(part for one in visit.requests for _, part in secrets_in_path(one.first.parts.path))
    labels = _labels(visit.origins[1:])
    bought = () if purchase is None else purchase.bought
    products = frozenset(moves[one.request].parent for one in bought if moves[one.request].form is not None)
    names = step_names(visit.requests, by_id, products, None if purchase is None else purchase.request)
    material = Material(
        visit=visit,
        moves=moves,
        flow=flow,
        purchase=purchase,
        names=names,
        labels=labels,
        constant=constant,
        varying=varying,
    )
    return Imported(
        draft=_without_secrets(draft(material), _secrets(visit, flow)),
        visit=visit,
        flow=flow,
        purchase=purchase,
        alignment=alignment,
        labels=labels,
    )


def _secrets(visit: Visit, flow: Flow) -> frozenset[str]:
    """Return what of a visit nobody else may read: cookies, credentials, keys, as far as they look like such."""
    found = set(flow.secrets)
    told = {secret for one in visit.requests for entry in (one.first, one.last) for secret in secrets_of(entry.url)}
    for one in visit.requests:
        for entry in (one.first, one.last):
            for name, value in (*entry.headers, *entry.reply_headers):
                if name == "cookie":
                    found.update(pair.partition("=")[2] for pair in value.split("; "))
                elif name == "set-cookie":
                    found.update(line.partition(";")[0].partition("=")[2] for line in value.split("\n"))
                elif name == "authorization":
                    found.add(without_scheme(value)[1])
    return frozenset(one for one in found if is_opaque(one) and len(one) >= _LEAST_SECRET) | told


def _without_secrets(made: Draft, secrets: frozenset[str]) -> Draft:
    """Return a draft in which none of the secrets stands, wherever it may have come from: a link's address, say."""
    text = made.text
    for one in sorted(secrets, key=len, reverse=True):
        text = text.replace(one, "…")
    return made if text == made.text else replace(made, text=text)


def _labels(origins: Sequence[str]) -> dict[str, str]:
    """Return a label for each host beside the first: the first part of its name."""
    found: dict[str, str] = {}
    for origin in origins:
        parts = urlsplit(origin)
        first = (parts.hostname or "").removeprefix("www.").partition(".")[0].lower()
        label = first if _LABEL.fullmatch(first) and not first.isdigit() and first != "shop" else "other"
        label = label if label not in found.values() else f"{label}-{parts.port or len(found) + 2}"
        found[origin] = label if label not in found.values() else f"{label}-{len(found) + 2}"
    return found
