"""The shopper's steps of a recording: pages and data of the shop's own hosts, redirects put together."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Literal, cast
from urllib.parse import urldefrag, urljoin, urlsplit

from loadtests.client.origin import Origin
from loadtests.client.sites import site_of
from loadtests.har.addresses import shown_path
from loadtests.har.entries import Entry, Recording
from loadtests.har.kinds import NOT_HTTP, REDIRECTS
from slo.documents import BadInput

Kind = Literal["page", "data"]
_POLL = 3
MAX_REQUESTS = 300


@dataclass(frozen=True, kw_only=True)
class Request:
    """One step of the visit: what was asked first, and the reply that redirects led to.

    `came_from` is the place in the visit of the page that it was asked from, None for the first or where nothing says.
    """

    number: int
    kind: Kind
    first: Entry
    last: Entry
    hops: int = 0
    repeated: int = 1
    came_from: int | None = None

    @property
    def method(self) -> str:
        """How it was asked first."""
        return self.first.method


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A recorded visit: its steps, the shop's origins (that of its pages first), and what was left out and why."""

    source: str
    requests: tuple[Request, ...]
    origins: tuple[str, ...]
    third_parties: Mapping[str, int]
    left_out: Mapping[str, int]
    notes: tuple[str, ...] = field(default=())

    @cached_property
    def base(self) -> str:
        """The origin of its pages."""
        return self.origins[0]


def read_visit(recording: Recording, own: Sequence[str] = ()) -> Visit:
    """Return the steps of a recording; hosts in `own` are the shop's, too. Raises BadInput when it holds no page.

    A host is the shop's when it shares the registrable domain of the first page, or the shopper was led there by a
    redirect, a link or a form.
    """
    first = _first_page(recording)
    base = _last_of_chain(recording.entries, first)
    sites = {_site(first.url), _site(base.url), *(_site(f"https://{host}") for host in own)}
    left_out: Counter[str] = Counter()
    third_parties: Counter[str] = Counter()
    kept: list[tuple[Kind, Entry]] = []
    for entry in recording.entries:
        if entry.what == NOT_HTTP:
            left_out[NOT_HTTP] += 1
        elif _site(entry.url) not in sites and not _is_led_to(entry):
            third_parties[entry.parts.hostname or ""] += 1
        elif entry.what in ("page", "data"):
            kept.append((cast("Kind", entry.what), entry))
        else:
            left_out[entry.what] += 1
    requests = tuple(_placed(_without_polls(_chained(kept))))
    if len(requests) > MAX_REQUESTS:
        raise BadInput(
            f"{recording.source}: {len(requests)} pages and calls for data of {base.origin}; a storefront is drafted of"
            f" at most {MAX_REQUESTS}: record one visit, from the first page to the order"
        )
    origins = [base.origin, *(one.origin for one in _entries_of(requests))]
    return Visit(
        source=recording.source,
        requests=requests,
        origins=tuple(dict.fromkeys(origins)),
        third_parties=dict(third_parties.most_common()),
        left_out=dict(left_out),
        notes=tuple(_notes(requests)),
    )


def _entries_of(requests: Iterable[Request]) -> Iterator[Entry]:
    for one in requests:
        yield one.first
        yield one.last


def _first_page(recording: Recording) -> Entry:
    entries = recording.entries
    pages = [one for one in entries if one.what == "page"] or [one for one in entries if one.what == "data"]
    if not pages:
        raise BadInput(
            f"{recording.source}: none of {len(recording.entries)} entries is a page or a call for data that was"
            " answered: record from the shop's first page on, with everything in the network panel"
        )
    documents = [one for one in pages if one.is_html or one.status in REDIRECTS]
    return (documents or pages)[0]


def _last_of_chain(entries: Sequence[Entry], first: Entry) -> Entry:
    last = first
    for entry in entries:
        if last.status in REDIRECTS and _target(last) == urldefrag(entry.url)[0]:
            last = entry
    return last


def _is_led_to(entry: Entry) -> bool:
    """Whether the shopper was led to another site: a whole page, not one within a page, nor what it asks for."""
    return entry.what == "page" and entry.asked.get("sec-fetch-dest") == "document"


def _target(entry: Entry) -> str:
    where = entry.reply_header("location") or entry.redirect
    try:
        return urldefrag(urljoin(entry.url, where))[0] if where else ""
    except ValueError:
        return ""


def _chained(kept: Sequence[tuple[Kind, Entry]]) -> list[Request]:
    """Put each redirect together with the request that it led to."""
    made: list[Request] = []
    waiting: dict[str, int] = {}
    for kind, entry in kept:
        address = urldefrag(entry.url)[0]
        found = waiting.pop(address, None)
        if found is None:
            found = len(made)
            made.append(Request(number=found, kind=kind, first=entry, last=entry))
        else:
            one = made[found]
            made[found] = Request(number=found, kind=one.kind, first=one.first, last=entry, hops=one.hops + 1)
        if entry.status in REDIRECTS and (target := _target(entry)):
            waiting[target] = found
    return made


def _without_polls(requests: Sequence[Request]) -> Iterator[Request]:
    """Leave one of each row of the same calls for data: a page that asks again and again."""
    row: list[Request] = []
    for one in requests:
        if row and not _is_same(row[-1], one):
            yield from _once(row)
            row = []
        row.append(one)
    yield from _once(row)


def _is_same(one: Request, other: Request) -> bool:
    first, second = one.first, other.first
    same = (first.method, first.url, first.sent_text) == (second.method, second.url, second.sent_text)
    return same and one.kind == other.kind == "data"


def _once(row: Sequence[Request]) -> Sequence[Request]:
    if len(row) < _POLL:
        return row
    one = row[-1]
    return [Request(number=0, kind=one.kind, first=one.first, last=one.last, hops=one.hops, repeated=len(row))]


def _placed(requests: Iterable[Request]) -> Iterator[Request]:
    """Give each request its number, and find the page that each was asked from."""
    pages: dict[str, int] = {}
    last_page: int | None = None
    for number, one in enumerate(requests):
        referer = urldefrag(one.first.asked.get("referer", ""))[0]
        came_from = pages.get(referer, last_page)
        yield Request(
            number=number,
            kind=one.kind,
            first=one.first,
            last=one.last,
            hops=one.hops,
            repeated=one.repeated,
            came_from=came_from,
        )
        if one.kind == "page":
            pages[urldefrag(one.last.url)[0]] = last_page = number


def _notes(requests: Sequence[Request]) -> Iterator[str]:
    pages = [one for one in requests if one.kind == "page"]
    if _are_interleaved(pages):
        yield "two tabs: the pages of one were opened between those of the other; the draft asks in the order of time"
    if lacking := [one for one in requests if one.last.lacks]:
        whys = Counter(one.last.lacks for one in lacking)
        said = "; ".join(f"{count} replies without a body: {why}" for why, count in whys.most_common())
        yield f"{said}: nothing can be found in them; record with bodies"
    if cached := sum(one.last.is_cached or one.last.status == 304 for one in requests):  # noqa: PLR2004 - RFC 9110
        yield f"{cached} replies came from the browser's cache: a new shopper asks for them, and so does the draft"
    for one in requests:
        if one.last.status in REDIRECTS:
            where = urlsplit(_target(one.last)).netloc or "nowhere"
            yield f"{one.method} {shown_path(one.first.parts.path)} leads to {where}, whose page isn't in the recording"


def _are_interleaved(pages: Sequence[Request]) -> bool:
    """Whether shoppers went on from an earlier page after they had gone on from a later one: two tabs at once."""
    branch: dict[int, int] = {}
    last_branch, branches, returned = 0, 0, 0
    used: set[int] = set()
    for one in pages:
        parent = one.came_from
        if parent is None or parent not in branch or parent in used:
            branches += 1
            branch[one.number] = branches
        else:
            branch[one.number] = branch[parent]
            used.add(parent)
            returned += branch[one.number] < last_branch
        last_branch = branch[one.number]
    return returned > 0


@lru_cache(maxsize=4096)
def _site(address: str) -> str:
    """Return what an address shares with the other hosts of its owner: the registrable domain, else the host."""
    try:
        return site_of(Origin.of(address))[1]
    except ValueError:
        return ""
