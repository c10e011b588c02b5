"""Addresses of http and https in their normal form, so that each rule about them sees one spelling.

Sources: RFC 3986, 5.2.4 and 6.2.2; the hosts as browsers read them: WHATWG URL, 3.5 (host parsing) and 4.4.
"""

import re
import socket
from functools import lru_cache
from ipaddress import IPv6Address
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit, urlunsplit

PORTS = {"http": 80, "https": 443}
# What a header or a parameter is called whose value only its owner may know.
SECRET_NAME = re.compile(r"auth|bypass|cookie|credential|key|passw|secret|session|signature|token", re.IGNORECASE)
HIDDEN = "***"
_KNOWN = 4096
_DOT = re.compile(r"%2e", re.IGNORECASE)
_LAST_NUMBER = re.compile(r"(?:^|\.)(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?\Z")
_FORBIDDEN = re.compile(r"[\x00-\x20#/:<>?@\[\\\]^|%\x7f]")  # WHATWG URL, 3.1: forbidden domain code points
_USER_INFO = re.compile(r"(\s*[A-Za-z][A-Za-z0-9+.-]*:[/\\]+|[/\\]{2})?.*@", re.DOTALL)
_NO_PORT = re.compile(r"(//(?:\[[^\]/]*\]|[^:/\\?#\[]*):)(?![0-9]*(?:[/\\?#]|\Z))[^/\\?#]*")
_PARAMETER = re.compile(r"([?&;])([^=&;#\s]*)(?:=([^&;#\s]*))?")


@lru_cache(_KNOWN)
def normal_host(host: str) -> str:
    """Return a host, an IPv6 address without its brackets, in normal form; raises ValueError for what is none.

    A name is in lower case and in ASCII (UTS46, not transitional); what `inet_aton` reads as an address, in whatever
    base and however short, is its four decimal numbers.
    """
    if ":" in host:
        return IPv6Address(host).compressed
    name = unquote(host) if "%" in host else host
    name = name.lower() if name.isascii() else _in_ascii(name)
    if not name or _FORBIDDEN.search(name):
        raise ValueError("not the name of a host")
    if _LAST_NUMBER.search(name):
        try:
            return socket.inet_ntoa(socket.inet_aton(name.removesuffix(".")))
        except OSError:
            raise ValueError("not the name of a host: its last part is a number") from None
    return name


def normal(address: str) -> str:
    """Return an address of http or https in normal form; raises ValueError.

    Scheme and host in lower case, no default port, no dot segments. Name, password, query and fragment stay.
    """
    parts = urlsplit(address)
    host, port = normal_host(parts.hostname or ""), parts.port
    shown = f"[{host}]" if ":" in host else host
    user_info, at, _ = parts.netloc.rpartition("@")
    port_shown = "" if port is None or port == PORTS.get(parts.scheme) else f":{port}"
    return urlunsplit(parts._replace(netloc=f"{user_info}{at}{shown}{port_shown}", path=without_dots(parts.path)))


def parts_of(address: str) -> SplitResult:
    """Return the parts of an address that a stranger wrote; all are empty of what is none, such as `http://[`."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def without_dots(path: str) -> str:
    """Return a path without its dot segments, encoded ones among them (RFC 3986, 5.2.4; WHATWG URL, 4.3)."""
    if "/." not in path and "%2" not in path:
        return path
    out: list[str] = []
    first, *segments = path.split("/")
    for segment in segments:
        plain = _DOT.sub(".", segment)
        if plain == "..":
            del out[-1:]
        elif plain != ".":
            out.append(segment)
    ends_in_dots = bool(segments) and _DOT.sub(".", segments[-1]) in (".", "..")
    return "/".join([first, *out, *([""] if ends_in_dots else [])])


def without_secrets(address: str) -> str:
    """Return an address, or what was meant to be one, as it may be shown: no name or password, no secret of its query.

    Nothing about it needs to be right: everything between its scheme and its last "@" is taken for a password, and so
    is a port that is no number.
    """
    found = _USER_INFO.match(address) if "@" in address else None
    shown = address if found is None else f"{found[1] or ''}{HIDDEN}@{address[found.end() :]}"
    return _PARAMETER.sub(_without_value, _NO_PORT.sub(rf"\g<1>{HIDDEN}", shown))


def _without_value(parameter: re.Match[str]) -> str:
    mark, name, value = parameter.groups()
    return f"{mark}{name}={HIDDEN}" if value is not None and SECRET_NAME.search(name) else parameter[0]


def has_secret_query(query: str) -> bool:
    """Whether a query has a parameter that is named as a secret is."""
    return any(SECRET_NAME.search(name) for name, _ in parse_qsl(query, keep_blank_values=True))


def _in_ascii(name: str) -> str:
    # Imported late: its tables take longer than most commands' own start, for hosts that few shops have.
    from idna import IDNAError, uts46_remap  # noqa: PLC0415

    try:
        plain = uts46_remap(name, std3_rules=False, transitional=False)
    except IDNAError as error:
        raise ValueError(f"not the name of a host: {error}") from error
    labels = plain.replace("\u3002", ".").split(".")
    return ".".join(one if one.isascii() else f"xn--{one.encode('punycode').decode()}" for one in labels)


# -- addresses that pages and redirects name --------------------------------------------------------------------------

_ENDS = "".join(map(chr, range(0x21)))
_REMOVED = dict.fromkeys(map(ord, "\t\n\r"))
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
_IN_PATH = "".join(sorted(set(_PRINTABLE) - set('"#<>?^`{}')))
_IN_QUERY = "".join(sorted(set(_PRINTABLE) - set("\"#<>'")))
_PLAIN_PATH = re.compile(r"[!$-;=@-\]_a-z|~]*")
_PLAIN_QUERY = re.compile(r"[!$-&(-;=?-~]*")


def joined(base: str, address: str) -> str | None:
    """Return an address that a page at `base` names as a whole one; None when it isn't one of http or https.

    As browsers read it (WHATWG URL, 4.4): a tab or line end in it goes, a backslash is a slash, what isn't ASCII is
    encoded, the host is in normal form. The fragment is left out. Raises ValueError for a host that is none.
    """
    scheme, authority, path = _split_base(base)
    scheme, text = _without_scheme(address.strip(_ENDS).translate(_REMOVED).partition("#")[0], scheme)
    if scheme not in PORTS:
        return None
    before, mark, query = text.partition("?")
    before = before.replace("\\", "/")
    if before.startswith("//"):
        authority, slash, before = before.lstrip("/").partition("/")
        if authority.count("[") != authority.count("]"):
            return None
        authority, path = _normal_authority(authority, scheme), slash + before
    elif before.startswith("/"):
        path = before
    elif before:
        path = path.partition("?")[0].rpartition("/")[0] + "/" + before
    elif mark:
        path = path.partition("?")[0]
    else:
        return f"{scheme}://{authority}{path}"
    if not _PLAIN_PATH.fullmatch(path):
        path = quote(path, safe=_IN_PATH, errors="replace")
    if not _PLAIN_QUERY.fullmatch(query):
        query = quote(query, safe=_IN_QUERY, errors="replace")
    return f"{scheme}://{authority}{without_dots(path) or '/'}{mark}{query}"


def _split_base(base: str) -> tuple[str, str, str]:
    """Return scheme, authority, and path with query of an address that was read already."""
    scheme, _, rest = base.partition("://")
    end = min((place for place in (rest.find("/"), rest.find("?")) if place >= 0), default=len(rest))
    return scheme.lower(), rest[:end], rest[end:] or "/"


def _without_scheme(address: str, of_base: str) -> tuple[str, str]:
    """Return an address's scheme, and what follows it: with two slashes before its host, or relative to the base."""
    named = _SCHEME.match(address)
    if named is None:
        return of_base, address
    scheme, rest = named[1].lower(), address[named.end() :]
    is_relative = scheme == of_base and not rest.replace("\\", "/").startswith("//")
    return scheme, rest if is_relative else "//" + rest.lstrip("/\\")


def _normal_authority(authority: str, scheme: str) -> str:
    user_info, at, place = authority.rpartition("@")
    host, colon, port = place.rpartition(":") if re.search(r":[0-9]*\Z", place) else (place, "", "")
    if host.startswith("[") and host.endswith("]"):
        host = f"[{normal_host(host[1:-1])}]"
    elif ":" in host:
        raise ValueError("not a host and a port")
    else:
        host = normal_host(host)
    if port and int(port[:6]) > 0xFFFF:  # noqa: PLR2004 - the highest port
        raise ValueError("Port out of range 0-65535")
    known = not port or int(port) == PORTS[scheme]
    return f"{user_info}{at}{host}" + ("" if known else f"{colon}{int(port)}")
