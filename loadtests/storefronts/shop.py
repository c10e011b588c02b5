"""The base class of storefronts: what a shopper can ask of a shop, without a word on how it goes over the wire.

Cookies, redirects, connections, retries, tags and times are the session's; a storefront says what is asked for, what is
expected, and what it does with the answer.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal, NoReturn, TypedDict, TypeVar, Unpack
from urllib.parse import urlencode

from loadtests.client.interface import Reply, Request
from loadtests.demand.plan import is_name
from loadtests.demand.splitmix import SplitMix64
from loadtests.results.created import ORDER
from loadtests.results.ledger import Line
from loadtests.shopper.rows import Account, Row
from loadtests.shopper.session import Session
from loadtests.storefronts.html import Element, Form
from loadtests.storefronts.matching import OK, Match, check, refusal_of, statuses_of
from loadtests.storefronts.order import Order, RefusedError
from loadtests.storefronts.page import Page

One = TypeVar("One")
_MOST_STEPS, _LONGEST_STEP, _LONGEST_ID = 500, 100, 200
_REDIRECT_STEPS: dict[str, str] = {}
# The refusal that says that the shop lets nobody in with this account any more.
ACCOUNT_LOCKED = "account_locked"


class How(TypedDict, total=False):
    """How a step is asked for, beyond what is sent; see `Shop.ask`."""

    headers: Mapping[str, str] | None
    expect: Match
    refused: Mapping[str, Match] | None
    follow: str | Literal[False] | None
    host: str | None
    shared_ok: bool


class HowSent(How, total=False):
    """The same, for what is posted."""

    form: Mapping[str, object] | Sequence[tuple[str, str]] | None
    params: Mapping[str, object] | None


class StepNameError(Exception):
    """A step's name that no record and no report can use: a mistake of the storefront's."""


class CreatedNameError(Exception):
    """A kind or an id of what was created that no ledger can hold: a mistake of the storefront's."""


class NothingLeftError(Exception):
    """A shopper found nothing to buy; see `Shop.nothing_left`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What every shopper of a run is given: the run's name, and the storefront's settings with secrets read.

    With `each_in_turn` what a session would draw by weight comes in turn: a try counts it.
    """

    run: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    each_in_turn: bool = False


class Shop:
    """One shopper in a shop; a storefront is a subclass with methods marked `@journey`.

    `location` is where `line` takes its goods from. Paths begin with / and are below the environment's base_url.
    """

    location: ClassVar[str] = "warehouse"
    # Where `graphql` posts its operations.
    graphql_path: ClassVar[str] = "/graphql"
    # How a real browser goes through the pages (`run --browser`): each page's name, and how a link's path begins.
    walk: ClassVar[Sequence[tuple[str, str]]] = ()

    def __init__(self, session: Session, given: Given) -> None:
        self._session, self._given = session, given
        self._has_headers = type(self).headers is not Shop.headers
        self.random: Final[SplitMix64] = session.random

    def begin(self) -> None:
        """Do what comes before every journey, such as cookie consent; called once a visit. Nothing, unless given."""

    def headers(self) -> Mapping[str, str]:
        """Return headers for every request of this shopper to base_url's host, asked before each. None, unless given.

        They may hold a key of the shop's: what a declared host is to be sent is given with the request, or in `hosts`.
        """
        return {}

    @property
    def settings(self) -> Mapping[str, Any]:
        """The storefront's settings of targets.yaml, secrets read."""
        return self._given.settings

    @property
    def run(self) -> str:
        """The run's name, for what the shop is to remember of it."""
        return self._given.run

    @property
    def session(self) -> int:
        """The session's number, unique in the run."""
        return self._session.arrival.number

    @property
    def account(self) -> Account | None:
        """The customer's account: None of a guest; with `is_new` the data that a new customer registers with."""
        return self._session.own.account

    @property
    def canary(self) -> str:
        """A word of 23 letters that is this shopper's alone: leave it in a name, an address or a note of its data.

        Each reply is searched for it: one that shows another shopper's is the error `others_data`, ends the visit, and
        fails the run. `shared_ok=True` says of a request that its page shows what others left, as reviews do.
        """
        return self._session.own.canary

    def cookie(self, name: str) -> str:
        """Return the value of a cookie that base_url's host has set, as it stands there; there must be one."""
        found = self._session.cookies.values()
        if name not in found:
            raise LookupError(f"no cookie {name}")
        return found[name]

    def data(self, name: str) -> Row:
        """Return a row of `data` in targets.yaml by its columns, each time another, as that pool gives them out.

        The session ends as dropped when the pool has none free.
        """
        return self._session.own.row(name)

    @property
    def cart_lines(self) -> tuple[int, int]:
        """How many different products a cart holds by the plan: from, to."""
        lines = self._session.plan.cart_lines
        return lines.min, lines.max

    # -- asking -------------------------------------------------------------------------------------------------------

    def get(self, step: str, path: str, *, params: Mapping[str, object] | None = None, **how: Unpack[How]) -> Page:
        """GET a page; see `ask`."""
        if params or how or self._has_headers:
            return self.ask(step, "GET", path, params=params, **how)
        return self._plain(step, "GET", path, None)

    def post(self, step: str, path: str, json: object = None, **how: Unpack[HowSent]) -> Page:
        """POST `json`, or `form=`; see `ask`."""
        if how or self._has_headers:
            return self.ask(step, "POST", path, json=json, **how)
        return self._plain(step, "POST", path, json)

    def put(self, step: str, path: str, json: object = None, **how: Unpack[HowSent]) -> Page:
        """PUT `json`, or `form=`; see `ask`."""
        return self.ask(step, "PUT", path, json=json, **how)

    def patch(self, step: str, path: str, json: object = None, **how: Unpack[HowSent]) -> Page:
        """PATCH with `json`, or `form=`; see `ask`."""
        return self.ask(step, "PATCH", path, json=json, **how)

    def delete(self, step: str, path: str, **how: Unpack[How]) -> Page:
        """DELETE; see `ask`."""
        return self.ask(step, "DELETE", path, **how)

    def graphql(
        self,
        operation: str,
        query: str,
        variables: Mapping[str, object] | None = None,
        path: str | None = None,
        **how: Unpack[How],
    ) -> Page:
        """POST a GraphQL operation to `path`, by default the class's `graphql_path`; see `ask`.

        The step has its name, the page's JSON is its `data`.
        `errors` in a 200 are the error `graphql`, unless `refused` knows them.
        """
        body = {"operationName": operation, "query": query, "variables": variables or {}}
        return self.ask(operation, "POST", path or self.graphql_path, json=body, graphql=True, **how)

    def submit(self, step: str, form: Form, values: Mapping[str, object] | None = None, **how: Unpack[How]) -> Page:
        """Send a form of the last page, with `values` in its fields; see `ask`."""
        fields = form.filled(values or {})
        how["host"], path = self._session.locate(form.action)
        if form.method == "GET":
            return self.ask(step, "GET", path.partition("?")[0], params=fields, **how)
        return self.ask(step, "POST", path, form=fields, **how)

    def open(self, step: str, link: Element | str, **how: Unpack[How]) -> Page:
        """Follow a link of the last page: an element with an `href`, or an address as the page has it; see `ask`."""
        how["host"], path = self._session.locate(link if isinstance(link, str) else link.get("href"))
        return self.ask(step, "GET", path, **how)

    def ask(  # noqa: PLR0913 - each is one thing that a request may need
        self,
        step: str,
        method: str,
        path: str,
        *,
        json: object = None,
        form: Mapping[str, object] | Sequence[tuple[str, str]] | None = None,
        params: Mapping[str, object] | Sequence[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
        expect: Match = OK,
        refused: Mapping[str, Match] | None = None,
        follow: str | Literal[False] | None = None,
        host: str | None = None,
        graphql: bool = False,
        shared_ok: bool = False,
    ) -> Page:
        """Make one request as `step`, when it is due, and return the page.

        `path` may be a whole address that leads to a declared host; `host` is the label of one that isn't base_url's.
        `json` or `form` is sent, `params` go into the query. What isn't what `expect` says (by default: any 2xx) is an
        error of the shop's, and the visit ends. `refused` holds, by reason, what is an answer but a refusal: Refused
        is raised, which an order's block records; the reason `account_locked` takes the account out of use. Redirects
        between declared hosts are followed, each recorded as `<step>-redirect`, or as `follow`; with `follow=False`
        none is. With `shared_ok` the reply may show what other shoppers left: see `canary`.
        """
        if path[:1] != "/" or path[:2] == "//":
            host, path = self._session.locate(path)
        if params:
            pairs = list(params.items()) if isinstance(params, Mapping) else list(params)
            path = f"{path}{'&' if '?' in path else '?'}{urlencode(pairs, doseq=True)}"
        if self._has_headers and host is None:
            headers = {**self.headers(), **(headers or {})}
        if isinstance(form, Mapping):
            form = tuple((name, str(value)) for name, value in form.items())
        known = _REDIRECT_STEPS.get(step) or self._new_step(step)
        redirect = known if follow is None else follow or None
        if follow and follow not in _REDIRECT_STEPS:
            self._new_step(follow)
        accept = OK if expect is OK else statuses_of(expect)
        request = Request(step, method, path, json, form, headers, accept, redirect, graphql, host, shared_ok)
        if refused is None and expect is OK:
            reply = self._session.step(request)
            return Page(self._session, self._session.answered or request, reply)
        return self._checked(request, expect, refused or {})

    def _plain(self, step: str, method: str, path: str, json: object) -> Page:
        """Do what `ask` does for a request without anything of its own: most are, and this takes half as long."""
        if path[:1] != "/" or path[:2] == "//":
            return self.ask(step, method, path, json=json)
        session, redirect = self._session, _REDIRECT_STEPS.get(step) or self._new_step(step)
        request = tuple.__new__(Request, (step, method, path, json, None, None, OK, redirect, False, None, False))
        reply = session.step(request)
        return Page(session, session.answered or request, reply)

    def _new_step(self, step: str) -> str:
        """Return what a step's redirects are called; raises StepNameError or PersonalDataError for its name."""
        self._session.own.check_name(step)
        if not (step.isprintable() and 0 < len(step) <= _LONGEST_STEP):
            raise StepNameError(
                f"a step's name must have 1 to {_LONGEST_STEP} printable characters, found {step[:120]!r}"
            )
        if len(_REDIRECT_STEPS) >= _MOST_STEPS:
            raise StepNameError(
                f"the storefront has named over {_MOST_STEPS} different steps, the last {step!r}: a step is a kind of"
                " request; ids and words belong into its path"
            )
        return _REDIRECT_STEPS.setdefault(step, f"{step}-redirect")

    def _checked(self, request: Request, expect: Match, refused: Mapping[str, Match]) -> Page:
        page = Page(self._session, request, Reply())

        def is_refusal(reply: Reply) -> bool:
            page.request, page.reply = self._session.answered or request, reply
            page.refusal = refusal_of(refused, page)
            return page.refusal is not None

        def see(reply: Reply) -> None:
            if not is_refusal(reply):
                check(expect, page)

        page.reply = self._session.step(request, see, is_refusal)
        if page.refusal is not None:
            if page.refusal == ACCOUNT_LOCKED and (account := self.account) is not None:
                account.locked()
            raise RefusedError(page.refusal, page)
        return page

    # -- shopping -----------------------------------------------------------------------------------------------------

    def think(self) -> None:
        """Let the shopper think before the next step, as long as the plan says."""
        self._session.think()

    def pick(self, things: Collection[One]) -> One:
        """Return one of `things` at random; there must be one, else the last page lacks what it needs."""
        found = things if isinstance(things, Sequence) else tuple(things)
        if not found:
            raise LookupError("nothing to pick from")
        chosen: One = self.random.choice(found)
        return chosen

    def some(self, things: Collection[One], most: int | None = None) -> list[One]:
        """Return as many of `things` at random as a cart holds by the plan, or up to `most`; fewer where there are."""
        lowest, highest = self.cart_lines if most is None else (1, most)
        wanted = self.random.randint(min(lowest, highest), highest)
        found = list(things)
        return self.random.sample(found, min(wanted, len(found)))

    def shuffled(self, things: Collection[One]) -> list[One]:
        """Return `things` in random order: to try one after the other until one is in stock."""
        found = list(things)
        return self.random.sample(found, len(found))

    def line(self, sku: object, quantity: int = 1, location: str | None = None) -> Line:
        """Return a line of an order for the ledger; the SKU and the location are the shop's own words for them."""
        return Line(sku=str(sku), quantity=int(quantity), location=self.location if location is None else location)

    def order(
        self, lines: Sequence[Line], cents: int, *, key: str | None = None, together: float | None = None
    ) -> Order:
        """Return the block in which an order is placed; `lines` and the amount go into the ledger before it is sent.

        `key` is the shop's own key of it, such as a cart's id; without one it is new. With `together` all shoppers of
        the run who come to this point within so many seconds send it at the same moment, on every worker.
        """
        return Order(self._session, tuple(lines), cents, None if key is None else str(key), together)

    def created(self, kind: str, own_id: object) -> None:
        """Say that the shop has made something for this session that isn't an order, such as a `cart`.

        `own_id` is the shop's word for it; `peakproof cleanup` gives it to the method marked `@cleanup(kind)`. What a
        new customer registers is said by itself, as an `account`.
        """
        text = str(own_id)
        if not is_name(kind) or kind == ORDER:
            raise CreatedNameError(f"created({kind!r}): a kind is 1 to 40 of a-z, 0-9 and inner hyphens, and no order")
        if not (text.isprintable() and 0 < len(text) <= _LONGEST_ID):
            raise CreatedNameError(f"created({kind!r}): an id has 1 to {_LONGEST_ID} printable characters")
        self._session.own.created(kind, text)

    def nothing_left(self) -> NoReturn:
        """End the visit: the shop has nothing left that the shopper could buy. Too many of these void a run."""
        raise NothingLeftError
