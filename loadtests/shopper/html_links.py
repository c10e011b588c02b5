"""What a page asks for: the images, scripts and style sheets that its HTML names, as a browser picks them.

A scanner of tags, not a parser: its time grows with the page's length, whatever the page holds, and it keeps nothing
but the attributes of a few elements. Where a browser would choose by its window, the window is taken to be 1366 pixels
wide, at one dot a pixel.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.entities import html5

MAX_PAGE = 1 << 20
MAX_LINKS = 500
_MAX_TAGS = 5000
_MAX_VALUE = 8192
_WIDTH = 1366.0
_KNOWN = (b"base", b"img", b"input", b"link", b"picture", b"script", b"source", b"template", b"video")
# What stands in these is text, or isn't there for a browser that runs scripts.
_RAW = (
    b"iframe", b"noembed", b"noframes", b"noscript", b"script", b"style", b"textarea", b"title", b"xmp"
)  # fmt: skip
_RAW_END = {name: re.compile(rb"</" + name + rb"(?=[\s/>])", re.IGNORECASE) for name in _RAW}
# A tag's name, and what follows to its end: a ">" ends it but for one within quotes, which stand only behind "=".
_NAME = rb"[A-Za-z][^\s/>]*+"
_REST = rb"""(?:[^>=]++|=\s*+(?:"[^"]*+"|'[^']*+'|(?!["'])))*+"""
_MATTERS = rb"/?+(?:" + b"|".join({*_KNOWN, *_RAW}) + rb")(?=[\s/>])"
# Everything up to a comment or a tag that matters, in one go.
_BETWEEN = re.compile(
    rb"(?:[^<]++|<(?!!--|/?[A-Za-z])|<(?!" + _MATTERS + rb")/?" + _NAME + _REST + rb">)*+", re.IGNORECASE
)
_TAG = re.compile(rb"<(/?" + _NAME + rb")(" + _REST + rb")>")
_ATTRIBUTE = re.compile(rb"""([^\s/=][^\s/=]*+)\s*+(?:=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s]++)))?""")
_REFERENCE = re.compile(r"&(?:#(?:[xX]([0-9A-Fa-f]++)|([0-9]++));?+|([A-Za-z][0-9A-Za-z]*+(?:;|(?!=))))")
_HIGHEST, _SURROGATES, _WINDOWS = 0x10FFFF, range(0xD800, 0xE000), range(0x80, 0xA0)
_MOST_DIGITS = 8
_COMMENT_END = re.compile(rb"--!?>")
# A script's type is one of https://mimesniff.spec.whatwg.org/#javascript-mime-type (4.6), "" or "module".
_SCRIPTS = frozenset(
    {
        "", "module", "application/ecmascript", "application/javascript", "application/x-ecmascript",
        "application/x-javascript", "text/ecmascript", "text/javascript", "text/javascript1.0", "text/javascript1.1",
        "text/javascript1.2", "text/javascript1.3", "text/javascript1.4", "text/javascript1.5", "text/jscript",
        "text/livescript", "text/x-ecmascript", "text/x-javascript",
    }
)  # fmt: skip
_LANGUAGES = frozenset(one.removeprefix("text/") for one in _SCRIPTS if one.startswith("text/"))
_IMAGES = frozenset({"", "image/avif", "image/gif", "image/jpeg", "image/png", "image/svg+xml", "image/webp"})
_DESCRIPTOR = re.compile(r"\s*+([^,]*+),?")
_SPLIT = re.compile(r"[\s,]*+(\S++)")
_NUMBER = re.compile(r"(?<![\d.])(\d{1,6}(?:\.\d{1,6})?)(w|x|px|vw)$")
_BY_WIDTH = re.compile(r"\dw\s*+(?:,|$)")
Attributes = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """The addresses a page asks for, as they stand in it; `base` is what they are relative to if it says so.

    `left_out` counts those beyond the first MAX_LINKS.
    """

    base: str | None
    addresses: tuple[str, ...]
    left_out: int


def links_of(page: bytes) -> Links:
    """Read a page's HTML; of one that is too long, its first MAX_PAGE bytes. It may hold anything."""
    base: str | None = None
    found: dict[str, None] = {}
    in_picture = False
    chosen: str | None = None  # what a source of the picture gives
    templates = 0  # that are open: what stands in them isn't there until a script takes it
    for name, attributes in _tags(page[:MAX_PAGE]):
        if name in ("template", "/template"):
            templates = max(0, templates + (1 if name == "template" else -1))
        elif templates:
            continue
        elif name == "base":
            base = attributes.get("href") if base is None else base
        elif name in ("picture", "/picture"):
            in_picture, chosen = name == "picture", None
        elif name == "source":
            chosen = _of_source(attributes) if in_picture and chosen is None else chosen
        elif name == "img":
            found[chosen or _choose(attributes) or ""] = None
        else:
            found.update(dict.fromkeys(_asked_by(name, attributes)))
    addresses = tuple(filter(None, found))
    return Links(base=base, addresses=addresses[:MAX_LINKS], left_out=max(0, len(addresses) - MAX_LINKS))


def _tags(page: bytes) -> Iterator[tuple[str, Attributes]]:
    """Yield the tags that matter, up to where the page is no page any more, or one to hold us up."""
    place = 0
    for _ in range(_MAX_TAGS):
        between = _BETWEEN.match(page, place)
        place = between.end() if between else len(page)
        if page.startswith(b"<!--", place):
            place = _past_comment(page, place + 4)
            continue
        tag = _TAG.match(page, place)
        if tag is None:
            return  # its end, or it ends within a tag
        place, name = tag.end(), tag[1].lower()
        if name.removeprefix(b"/") in _KNOWN:
            yield name.decode(), _attributes(tag[2])
        if raw := _RAW_END.get(name):
            end = raw.search(page, place)
            if end is None:
                return
            place = end.start()


def _past_comment(page: bytes, place: int) -> int:
    for short in (b">", b"->"):
        if page.startswith(short, place):
            return place + len(short)
    end = _COMMENT_END.search(page, place)
    return end.end() if end else len(page)


def _attributes(text: bytes) -> Attributes:
    """Return attributes by name in lower case, but for those too long; of two of one name the first counts."""
    out: dict[str, str] = {}
    for found in _ATTRIBUTE.finditer(text):
        name = found[1].decode("utf-8", "replace").lower()
        value = next((found[n] for n in (2, 3, 4) if found[n] is not None), b"")
        if len(value) <= _MAX_VALUE:
            out.setdefault(name, _unescaped(value.decode("utf-8", "replace")).strip())
    return out


def _unescaped(value: str) -> str:
    """Undo character references as in an attribute: "&copy=1" and "&copyright" aren't one, "&copy" and "&copy;" are.

    Source: HTML, 13.2.5.73 and, for numbers, 13.2.5.80.
    """
    return _REFERENCE.sub(_referenced, value) if "&" in value else value


def _referenced(found: re.Match[str]) -> str:
    hexadecimal, decimal, name = found.groups()
    if name is not None:
        return html5.get(name, found[0])
    digits = (hexadecimal or decimal).lstrip("0")
    if len(digits) > _MOST_DIGITS:
        return "\ufffd"
    number = int(digits or "0", 16 if hexadecimal else 10)
    if number == 0 or number > _HIGHEST or number in _SURROGATES:
        return "\ufffd"
    if number in _WINDOWS:
        return bytes([number]).decode("cp1252", "replace").replace("\ufffd", chr(number))
    return chr(number)


def _asked_by(name: str, attributes: Attributes) -> list[str]:
    if name == "script":
        return [attributes["src"]] if "src" in attributes and _is_run(attributes) else []
    if name == "link":
        return _of_link(attributes)
    if name == "input":
        return [attributes["src"]] if attributes.get("type", "").lower() == "image" and "src" in attributes else []
    return [attributes["poster"]] if name == "video" and "poster" in attributes else []


def _is_run(attributes: Attributes) -> bool:
    """Whether a browser runs a script (HTML, 4.12.1.1, "prepare the script element", step 8 on)."""
    kind, language = attributes.get("type"), attributes.get("language")
    if kind is None and language:
        return language.lower() in _LANGUAGES and "nomodule" not in attributes
    return (kind or "").lower() in _SCRIPTS and "nomodule" not in attributes


def _of_link(attributes: Attributes) -> list[str]:
    rel = set(attributes.get("rel", "").lower().split())
    is_style = "stylesheet" in rel and "alternate" not in rel and "disabled" not in attributes
    if "preload" in rel and "imagesrcset" in attributes:
        sources = {"srcset": attributes["imagesrcset"], "sizes": attributes.get("imagesizes", "")}
        chosen = _choose({**sources, "src": attributes.get("href", "")})
        return [chosen] if chosen else []
    wanted = is_style or rel & {"icon", "preload", "modulepreload"}
    return [attributes["href"]] if wanted and "href" in attributes else []


def _of_source(attributes: Attributes) -> str | None:
    """Return what a picture's source gives; one for some windows only is passed over."""
    if "media" in attributes or attributes.get("type", "").lower() not in _IMAGES:
        return None
    return _choose({"srcset": attributes.get("srcset", ""), "sizes": attributes.get("sizes", "")})


def _choose(attributes: Attributes) -> str | None:
    """Return the image of the lowest density that is at least 1, else of the highest; None where there is none."""
    width = _width(attributes.get("sizes", ""))
    candidates = _candidates(attributes.get("srcset", ""), width)
    if attributes.get("src") and not any(density == 1 for _, density in candidates):
        by_width = _BY_WIDTH.search(attributes.get("srcset", ""))
        candidates += [] if by_width else [(attributes["src"], 1.0)]
    enough = [pair for pair in candidates if pair[1] >= 1]
    if enough:
        return min(enough, key=lambda pair: pair[1])[0]
    return max(candidates, key=lambda pair: pair[1])[0] if candidates else None


def _candidates(srcset: str, width: float) -> list[tuple[str, float]]:
    """Return the addresses of a srcset with their densities (HTML, 4.8.4.2.1)."""
    out, place = [], 0
    while found := _SPLIT.match(srcset, place):
        address, place, density = found[1], found.end(), 1.0
        if not address.endswith(","):
            descriptor = _DESCRIPTOR.match(srcset, place)
            place = descriptor.end() if descriptor else place
            number = _NUMBER.match(descriptor[1].strip()) if descriptor else None
            if number:
                density = float(number[1]) / (width if number[2] == "w" else 1.0)
        if address := address.rstrip(","):
            out.append((address, density))
    return out


def _width(sizes: str) -> float:
    """Return how wide an image is shown: what holds when no condition of `sizes` does."""
    number = _NUMBER.search(sizes.strip())
    if number is None:
        return _WIDTH
    width = float(number[1]) * (_WIDTH / 100 if number[2] == "vw" else 1.0)
    return width or _WIDTH
