"""The secrets of an environment: read late, from variables and files only, and never shown.

`targets.yaml` and all that is made of it hold only names. A value lives in a `Secret` until it is put on the wire;
a reply that repeats one is masked before anybody reads it.
"""

import base64
import html
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, quote_plus

from loadtests.environment.addresses import Kind
from loadtests.environment.hosts import Protection
from loadtests.environment.own_code import OwnCode
from loadtests.environment.record_targets import RecordSource
from loadtests.environment.storefront_targets import Locustfile
from loadtests.environment.target_fields import BasicAuth
from loadtests.environment.targets import Environment
from slo.documents import BadInput, read_text

_MAX_BYTES = 64 << 10
SHORTEST_MASKED = 6
_SHORTEST = 8
_SCHEMES = ("Bearer ", "Basic ", "Token ")


class Secret:
    """A text that no message, record or dump shows; only `reveal` returns it. `place` is where it was read."""

    __slots__ = ("_text", "place")

    def __init__(self, text: str, place: str | None = None) -> None:
        self._text, self.place = text, place

    def reveal(self) -> str:
        """Return the text: for the wire and for nothing else."""
        return self._text

    def __repr__(self) -> str:
        return "<secret>"

    def __format__(self, _: str) -> str:
        return "<secret>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret can't be copied out of its process")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What is sent with every request to the shop beside the tag; `hidden` is what no reply may repeat.

    `hosts` are those of the declared hosts by label: each is sent to its own host alone. `proxy` is the value of
    Proxy-Authorization, sent to the proxy alone.
    """

    headers: Mapping[str, str | Secret] = field(default_factory=dict)
    hosts: Mapping[str, "Credentials"] = field(default_factory=dict)
    proxy: Secret | None = None
    hidden: tuple[Secret, ...] = ()

    def at(self, label: str | None) -> "Credentials":
        """Return those of the declared host `label`; None is `base_url`'s, which these are themselves."""
        return self if label is None else self.hosts.get(label, Credentials())

    def revealed(self) -> dict[str, str]:
        """Return the headers as they go on the wire."""
        return {name: held.reveal() if isinstance(held, Secret) else held for name, held in self.headers.items()}

    def all_hidden(self) -> tuple[Secret, ...]:
        """Return what no reply of any host may repeat: those of the declared hosts, too."""
        return (*self.hidden, *(secret for host in self.hosts.values() for secret in host.hidden))

    def masks(self) -> tuple[bytes, ...]:
        """Return every secret as the bytes a reply may hold it in, the longest first.

        What is shorter than 6 bytes is left: to mask it would spoil pages that hold it by chance. Away from loopback
        there is no such secret: see `check_length`.
        """
        return masks_of(secret.reveal() for secret in self.all_hidden())


def masks_of(secrets: Iterable[str], shortest: int = SHORTEST_MASKED) -> tuple[bytes, ...]:
    """Return each of `secrets` as the bytes a reply may hold it in, the longest first; what is shorter is left."""
    texts = {text for secret in secrets for text in _encodings(secret)}
    return tuple(sorted((text.encode() for text in texts if len(text) >= shortest), key=len, reverse=True))


def masked(content: bytes, masks: tuple[bytes, ...]) -> bytes:
    """Return `content` with every secret overwritten; its length stays."""
    for mask in masks:
        if mask in content:
            content = content.replace(mask, b"*" * len(mask))
    return content


def credentials_of(environment: Environment, variables: Mapping[str, str]) -> Credentials:
    """Read what goes with requests: `headers`, `basic_auth`, the proxy's; raises BadInput, which names no value."""
    own = _of_host(environment, environment.base_url, variables, "")
    hosts = {label: _of_host(host, host.url, variables, f"hosts.{label}.") for label, host in environment.hosts.items()}
    hidden, proxy = [*own.hidden], None
    if environment.proxy is not None and environment.proxy.basic_auth is not None:
        proxy, secrets = _basic(environment.proxy.basic_auth, variables, "proxy.basic_auth", environment.base_url)
        hidden += secrets
    if isinstance(environment.storefront, OwnCode):
        hidden += settings_of(environment.storefront, variables, "storefront").secrets
    return replace(own, hosts=hosts, hidden=tuple(hidden), proxy=proxy)


def _of_host(host: Protection, url: str, variables: Mapping[str, str], place: str) -> Credentials:
    headers: dict[str, str | Secret] = {}
    hidden: list[Secret] = []
    for name, held in host.headers.items():
        if held.value is not None:
            headers[name] = held.value
            continue
        headers[name] = secret = _read(held.env, held.file, variables, f"{place}headers.{name}")
        hidden.append(secret)
    if host.basic_auth is not None:
        headers["Authorization"], secrets = _basic(host.basic_auth, variables, f"{place}basic_auth", url)
        hidden += secrets
    return Credentials(headers=headers, hidden=tuple(hidden))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a file of the user's, with what was read from variables and files in its place.

    `secrets` is what was read so.
    """

    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    secrets: tuple[Secret, ...] = ()


def settings_of(own: OwnCode, variables: Mapping[str, str], place: str) -> Settings:
    """Read the settings of a file of the user's; raises BadInput, which names no value."""
    read = {
        name: _read(source.env, source.file, variables, f"{place}.settings.{name}", for_header=False)
        for name, source in own.sources().items()
    }
    values = {**own.settings, **{name: secret.reveal() for name, secret in read.items()}}
    return Settings(values=values, secrets=tuple(read.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAccess:
    """What one kind of shop records is read with: a database's address, or headers; `hidden` is what is secret in it.

    `authorizes` says whether the headers hold an authorization of their own.
    """

    address: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    hidden: tuple[Secret, ...] = ()

    @property
    def authorizes(self) -> bool:
        """Whether the headers hold an authorization of their own."""
        return any(name.lower() == "authorization" for name in self.headers)


def record_access_of(kind: str, source: RecordSource, variables: Mapping[str, str]) -> RecordAccess:
    """Read what a declared kind of shop records is read with; raises BadInput, which names no value."""
    place = f"shop_records.{kind}"
    if source.sql is not None:
        url = source.sql.url
        if url.value is not None:
            return RecordAccess(address=url.value)
        secret = _read(url.env, url.file, variables, f"{place}.sql.url", for_header=False)
        return RecordAccess(address=secret.reveal(), hidden=(secret,))
    http = source.http
    if http is None:
        return RecordAccess()
    own = _of_host(Protection(headers=http.headers, basic_auth=http.basic_auth), http.url, variables, f"{place}.http.")
    headers, hidden = own.revealed(), own.hidden
    if http.bearer is not None:
        token = _read(http.bearer.env, http.bearer.file, variables, f"{place}.http.bearer")
        headers["Authorization"], hidden = f"Bearer {token.reveal()}", (*hidden, token)
    return RecordAccess(headers=headers, hidden=hidden)


def _basic(basic: BasicAuth, variables: Mapping[str, str], place: str, url: str) -> tuple[Secret, list[Secret]]:
    """Return a header's value (RFC 7617), and what no reply of the shop at `url` may repeat."""
    user = _read(basic.user_env, basic.user_file, variables, f"{place}.user").reveal()
    password = _read(basic.password_env, basic.password_file, variables, f"{place}.password")
    if ":" in user:
        raise BadInput(f"{place}.user: must not hold a colon (RFC 7617)")
    pair = base64.b64encode(f"{user}:{password.reveal()}".encode()).decode()
    hidden = [password, Secret(pair)]
    hidden += [Secret(user)] if user not in url else []  # the address shows it already
    return Secret(f"Basic {pair}"), hidden


def token_of(environment: Environment, variables: Mapping[str, str]) -> Secret | None:
    """Read the bearer token of the shop's sources; raises BadInput when it is declared and not there."""
    if environment.token_env is None and environment.token_file is None:
        return None
    place = "token_env" if environment.token_env is not None else "token_file"
    return _read(environment.token_env, environment.token_file, variables, place)


def notice_tokens_of(environment: Environment, variables: Mapping[str, str]) -> dict[str, Secret]:
    """Read the tokens of the Alertmanager and of Grafana, by address; raises BadInput when one isn't there."""
    declared = {
        "alertmanager_token": (environment.alertmanager_url, environment.alertmanager_token),
        "grafana_token": (environment.grafana_url, environment.grafana_token),
    }
    return {
        url: _read(token.env, token.file, variables, place)
        for place, (url, token) in declared.items()
        if url is not None and token is not None
    }


def check_length(secrets: Iterable[Secret], kind: Kind) -> None:
    """Raise BadInput for a secret that is too short to be masked, unless the shop is on loopback."""
    for secret in secrets:
        text = secret.reveal()
        bare = next((text.removeprefix(scheme) for scheme in _SCHEMES if text.startswith(scheme)), text)
        if secret.place is not None and len(bare) < _SHORTEST and kind != "loopback":
            raise BadInput(
                f"{secret.place}: holds fewer than {_SHORTEST} characters, too short to be masked when the shop repeats"
                " it; use a longer one, or write a value that isn't secret into targets.yaml itself"
            )


def variables_of(environment: Environment) -> frozenset[str]:
    """Return the variables that a worker must be given: of each host, of the proxy and of the storefront.

    The token's is not among them.
    """
    proxy = environment.proxy.basic_auth if environment.proxy else None
    declared: list[Protection | BasicAuth] = [environment, *environment.hosts.values()]
    declared += [proxy] if proxy is not None else []
    named = [name for one in declared for name in one.variables()]
    if isinstance(environment.storefront, OwnCode):
        named += [source.env for source in environment.storefront.sources().values() if source.env is not None]
    if isinstance(environment.storefront, Locustfile):
        named += environment.storefront.variables
    return frozenset(named)


def _read(
    variable: str | None, file: str | None, variables: Mapping[str, str], place: str, *, for_header: bool = True
) -> Secret:
    if variable is not None:
        text, where = variables.get(variable, ""), f"the environment variable {variable}"
        if not text:
            raise BadInput(f"{where} is not set; targets.yaml names it in {place}")
    else:
        text, where = read_text(Path(str(file)), _MAX_BYTES).rstrip("\r\n"), str(file)
        if not text:
            raise BadInput(f"{where}: is empty; targets.yaml names it in {place}")
    if for_header and (not (text.isascii() and text.isprintable()) or text != text.strip()):
        raise BadInput(f"{where}: holds what a header can't carry; targets.yaml names it in {place}")
    return Secret(text, where)


def _encodings(text: str) -> set[str]:
    """Return a secret in every form that a page may hold: as it is, in JSON, in HTML, in an address, in base64."""
    bare = text.rpartition(" ")[2]  # what follows Bearer or Basic
    found = set()
    for one in (text, bare):
        in_json = json.dumps(one)[1:-1]
        found |= {
            one,
            in_json,
            in_json.replace("/", "\\/"),
            html.escape(one),
            quote(one, safe=""),
            quote(one),
            quote_plus(one),
        }
        found.add(base64.b64encode(one.encode()).decode().rstrip("="))
    return found
