"""Where each value of a request comes from: an earlier reply, the shopper, a setting, or the recording itself."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import parse_qsl

from loadtests.har.addresses import LEAST_SECRET, holds_a_secret, is_plain, secrets_in_path
from loadtests.har.navigation import Move
from loadtests.har.operations import json_of
from loadtests.har.personal import What, is_opaque, is_secret_name, what_is, without_scheme
from loadtests.har.slots import Place, Slot, Where, leaves, slots_of
from loadtests.har.sources import Source, sources_in
from loadtests.har.visit import Request
from loadtests.har.words import AMOUNTS, identifier, is_id, is_uuid, singular, words

_IDS = frozenset({"id", "ids", "slug", "handle", "code", "sku", "uuid", "number", "key", "ref", "reference", "token"})
_EMPTY = frozenset({"", "data", "attributes", "value", "content", "edges", "node", "result", "results"})
_SEARCHED = frozenset({"q", "query", "search", "s", "term", "keyword", "keywords", "text"})
_OWN_KEYS = frozenset({"client", "request", "correlation", "transaction", "nonce", "device", "visitor", "anonymous"})
_KEPT = frozenset({"phone", "telephone", "mobile", "city", "town", "postcode", "postal", "zip"})
_SECRETS = frozenset({What.PASSWORD, What.CARD, What.CARD_SECRET})
_REGISTERING = frozenset({"register", "registration", "signup", "registrieren", "inscription"})
_STRONG, _MEDIUM = 8, 3
_EPOCH = re.compile(r"1[6-9]\d{8}(\d{3})?")
Key = tuple[int, Where, Place]


class Kind(Enum):
    """What a value of a request is."""

    LITERAL = "as recorded"
    FOUND = "found in a reply"
    MADE = "made up"
    ACCOUNT = "the account's"
    SETTING = "a setting"
    ORDER_KEY = "the order's key"
    UNIQUE = "new each time"
    MOMENT = "the time"


@dataclass(eq=False, kw_only=True)
class Taken:
    """A value that is taken from a reply: from where, what it is called, and by which requests it is used."""

    source: Source
    words: tuple[str, ...]
    users: list[int] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Use:
    """How one value of a request is written. `text` is of what is made up or a setting; `before` precedes the value."""

    kind: Kind
    taken: Taken | None = None
    text: str = ""
    before: str = ""
    varies: bool = False


@dataclass(frozen=True, kw_only=True)
class Flow:
    """The values of a visit's requests: how each is written, what is taken from replies, and which settings it needs.

    `logs_in` says whether a password is sent, `registers` whether it is a new customer's.
    `kept` names what a shopper typed that is written as recorded.
    """

    uses: Mapping[Key, Use]
    taken: tuple[Taken, ...]
    settings: Mapping[str, str]
    logs_in: bool
    registers: bool
    kept: tuple[str, ...]
    secrets: frozenset[str]


def trace(moves: Sequence[Move], varying: frozenset[Key] = frozenset(), constant: frozenset[Key] = frozenset()) -> Flow:
    """Return where each value comes from. `varying` differ in a second recording, `constant` are the same there."""
    return _Tracer(moves, varying, constant).flow()


class _Tracer:
    def __init__(self, moves: Sequence[Move], varying: frozenset[Key], constant: frozenset[Key]) -> None:
        self._varying, self._constant = varying, constant
        self._requests = requests = [move.request for move in moves]
        self._slots: dict[int, list[Slot]] = {}
        for move in moves:
            carried = set(move.carried())
            slots = slots_of(move.request.first)
            self._slots[move.request.number] = [one for one in slots if (one.where, one.place) not in carried]
        self._secret_parts = {
            one.number: {(place,) for place, _ in secrets_in_path(one.first.parts.path)} for one in requests
        }
        self._uses: dict[Key, Use] = {}
        self._taken: list[Taken] = []
        self._known: dict[tuple[str, str], Taken] = {}
        self._settings: dict[str, str] = {}
        self._setting_of: dict[str, str] = {}
        self._secrets: set[str] = set()
        self._kept: dict[str, None] = {}
        self._sent: dict[str, int] = {}
        every = [slot for slots in self._slots.values() for slot in slots]
        kinds = {slot.value for slot in every if what_is(slot.name, slot.value) is What.PASSWORD}
        self._logs_in = bool(kinds)
        self._registers = any(_registers(one, self._slots[one.number]) for one in requests)
        self._users = {
            slot.value
            for number, slots in self._slots.items()
            if any(what_is(one.name, one.value) is What.PASSWORD for one in slots)
            for slot in slots
            if what_is(slot.name, slot.value) in (What.USER, What.EMAIL)
        }
        wanted = {without_scheme(slot.value)[1] for slot in every if _may_be_found(slot)}
        self._found = {one.number: sources_in(one, frozenset(wanted)) for one in requests}

    def flow(self) -> Flow:
        for one in self._requests:
            for slot in self._slots[one.number]:
                key: Key = (one.number, slot.where, slot.place)
                use = self._use(one, slot, key)
                if use.taken is None:
                    self._sent.setdefault(slot.value, one.number)
                if use.kind is not Kind.LITERAL or key in self._varying:
                    self._uses[key] = use
        return Flow(
            uses=self._uses,
            taken=tuple(self._taken),
            settings=self._settings,
            logs_in=self._logs_in,
            registers=self._registers,
            kept=tuple(self._kept),
            secrets=frozenset(self._secrets),
        )

    def _use(self, one: Request, slot: Slot, key: Key) -> Use:
        varies = key in self._varying
        use = self._personal(slot) or self._key(slot) or self._from_reply(one, slot) or self._own(slot, key)
        return use or Use(kind=Kind.LITERAL, varies=varies)

    def _personal(self, slot: Slot) -> Use | None:
        what = what_is(slot.name, slot.value)
        if slot.where == "path" and what is not What.EMAIL:
            return None
        if what is What.PASSWORD:
            self._secrets.add(slot.value)
            return Use(kind=Kind.ACCOUNT, text="password")
        if what in (What.CARD, What.CARD_SECRET) or _holds_secrets(slot.value):
            return self._setting(slot, what.value or "a text that holds secrets")
        if slot.where in ("form", "json") and set(words(slot.name)) & _KEPT and slot.value:
            self._kept[slot.name] = None
        return self._person(slot, what)

    def _person(self, slot: Slot, what: What) -> Use | None:
        if what in (What.USER, What.EMAIL) and slot.value in self._users:
            return Use(kind=Kind.ACCOUNT, text="email" if self._registers and what is What.EMAIL else "user")
        if what is What.EMAIL:
            return Use(kind=Kind.MADE, text="email")
        is_name = what in (What.FIRST_NAME, What.LAST_NAME, What.FULL_NAME, What.STREET)
        return Use(kind=Kind.MADE, text=what.value) if is_name and slot.where in ("form", "json") else None

    def _key(self, slot: Slot) -> Use | None:
        if "idempotency" in slot.name.lower():
            return Use(kind=Kind.ORDER_KEY)
        if slot.where == "query" and _EPOCH.fullmatch(slot.value):
            return Use(kind=Kind.MOMENT)
        return None

    def _from_reply(self, one: Request, slot: Slot) -> Use | None:
        if not _may_be_found(slot):
            return None
        before, value = without_scheme(slot.value) if slot.where == "header" else ("", slot.value)
        known = self._known.get((value, _group(slot, value)))
        if known is None:
            source = self._best(one.number, slot, value)
            if source is None:
                return None
            known = Taken(source=source, words=_called(slot, source))
            self._taken.append(known)
            self._known[value, _group(slot, value)] = known
        known.users.append(one.number)
        return Use(kind=Kind.FOUND, taken=known, before=before)

    def _best(self, number: int, slot: Slot, value: str) -> Source | None:
        """Return where a value is best taken from: by what it is called there, then the latest reply before."""
        ranked: list[tuple[int, bool, int, int, int, Source]] = []
        for earlier in range(number - 1, -1, -1):
            for source in self._found[earlier].get(value, ()):
                shared = _shared(slot, source)
                if shared >= _needed(slot, value) and not self._is_echo(value, earlier):
                    ranked.append((-shared, source.how == "text", -earlier, len(source.path), len(ranked), source))
        return min(ranked, key=lambda one: one[:-1])[-1] if ranked else None

    def _is_echo(self, value: str, earlier: int) -> bool:
        """Whether a reply holds a value only because it was sent before."""
        return _strength(value) > 0 and self._sent.get(value, earlier + 1) <= earlier

    def _own(self, slot: Slot, key: Key) -> Use | None:
        """Return how a value is written that no reply holds: a secret never as it stands."""
        before, value = without_scheme(slot.value) if slot.where == "header" else ("", slot.value)
        named = words(slot.name)
        is_made = is_uuid(value) and (key in self._varying or bool(set(named) & _OWN_KEYS))
        if is_made and slot.where in ("json", "header", "form") and key not in self._constant:
            return Use(kind=Kind.UNIQUE, text="-".join(named))
        is_search = slot.name.lower() in _SEARCHED
        secret = is_secret_name(slot.name) and len(value) >= LEAST_SECRET and not is_search
        opaque = is_opaque(value) and not (named and named[-1] in _IDS and not is_secret_name(slot.name))
        if value.startswith("eyJ") or ((secret or opaque) and slot.where != "path" and not _is_words(value, secret)):
            made = self._setting(slot, "key")
            return Use(kind=made.kind, text=made.text, before=before)
        if slot.where == "path" and slot.place in self._secret_parts[key[0]]:
            return None if key in self._constant and not is_secret_name(slot.name) else self._setting(slot, "key")
        if slot.where != "path" and ("/" in value or "?" in value) and holds_a_secret(value):
            return self._setting(slot, "a text that holds secrets")
        return None

    def _setting(self, slot: Slot, what: str) -> Use:
        """Return the setting that holds a value which isn't written."""
        _, value = without_scheme(slot.value) if slot.where == "header" else ("", slot.value)
        self._secrets.add(value)
        name = self._setting_of.get(value)
        if name is None:
            stripped = re.sub("^x-", "", slot.name, flags=re.IGNORECASE)
            name = identifier(words(stripped), self._settings)
            self._setting_of[value] = name
            self._settings[name] = what
        return Use(kind=Kind.SETTING, text=name)


def _holds_secrets(value: str) -> bool:
    """Whether a text is itself JSON, or a form, with a password or card data in it."""
    if value[:1] in ("{", "["):
        found = [(str(path[-1]), held) for path, held in leaves(json_of(value)) if path]
    else:
        found = parse_qsl(value) if "=" in value else []
    return any(what_is(name, held) in _SECRETS for name, held in found)


def _registers(one: Request, slots: Sequence[Slot]) -> bool:
    """Whether a request makes a new customer: by its words, or by a password that is typed twice."""
    typed = [slot for slot in slots if what_is(slot.name, slot.value) is What.PASSWORD]
    named = {word for slot in typed for word in words(slot.name)} | set(words(one.first.parts.path))
    return bool(typed) and (bool(named & _REGISTERING) or len(typed) > len({slot.value for slot in typed}))


def _is_words(value: str, named_secret: bool) -> bool:  # noqa: FBT001 - read where it is made
    """Whether a value under a secret's name is plain words after all, such as `payment_token: on-account`."""
    return not named_secret and is_plain(value)


def _may_be_found(slot: Slot) -> bool:
    named = words(slot.name)
    if not slot.value or slot.name.lower() in _SEARCHED or (set(named) & AMOUNTS and "id" not in named):
        return False
    return len(slot.value) > _MEDIUM or any(map(str.isdigit, slot.value))


def _strength(value: str) -> int:
    """Return how far a value speaks for itself: 2 a key, 1 a word or a longer number, 0 anything short."""
    if is_uuid(value) or (len(value) >= _STRONG and (is_id(value) or is_opaque(value))):
        return 2
    if value.isdigit():
        return 1 if len(value) >= _STRONG - 2 else 0
    return 1 if len(value) >= _MEDIUM else 0


def _needed(slot: Slot, value: str) -> int:
    """Return how many words a value's names must share before it is taken to be the same."""
    if _strength(value) == 2:  # noqa: PLR2004 - a key
        return 0
    if slot.where == "path" and value.isalpha():
        return 2
    return 2 if _strength(value) == 0 else 1


def _shared(slot: Slot, source: Source) -> int:
    """Return how many words the names of a value share, kinds of ids being one word."""
    mine = [singular(word) for word in words(slot.name) if not word.isdigit()]
    theirs = {singular(word) for word in source.words}
    plain = {word for word in mine if word in theirs and word not in _IDS and word not in _EMPTY}
    last = source.words[-1] if source.words else ""
    ids = bool(mine) and ((mine[-1] in _IDS and singular(last) in _IDS) or mine[-1] == singular(last))
    return len(plain) + (1 if ids and not (plain and mine[-1] in plain) else 0)


def _group(slot: Slot, value: str) -> str:
    """Return what tells two short values apart that are the same by chance."""
    if _strength(value):
        return ""
    return "-".join(singular(word) for word in words(slot.name))


def _called(slot: Slot, source: Source) -> tuple[str, ...]:
    """Return the words of a value's name: the request's own where it has one, else the reply's."""
    mine = words(slot.name)
    if slot.where != "path" and mine and not set(mine) <= _IDS and mine != ("authorization",):
        return tuple(word for word in mine if word != "x")
    if source.how == "json":
        named = [one for one in source.path if isinstance(one, str)]
        ending = words(named[-1]) if named else ()
        above = next((one for one in reversed(named[:-1]) if one.lower() not in _EMPTY), "")
        own = ending if len(ending) > 1 else (*map(singular, words(above)), *ending)
        return own or mine or ("value",)
    if source.how in ("header", "cookie"):
        return tuple(word for word in source.words if word != "x") or mine or ("value",)
    return mine or source.words or ("value",)
