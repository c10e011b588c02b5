"""Formatting of figures for people, the same in every rendering, and text that is safe for a terminal and XML."""

import math
import re
import unicodedata

# All but white space, and what is seen: no control, no direction, no character without width.
_CONTROL = re.compile(
    r"[^\t\n\r\x20-\x7e\xa0-\xac\xae-\u061b\u061d-\u180d\u180f-\u200a\u2010-\u2027\u202f-\u205f\u2070-\ud7ff\ue000-\ufefe"
    r"\uff00-\ufff8\ufffc\ufffd\U00010000-\U000dffff\U000e0100-\U0010ffff]"
)
_MAX_PLACES = 4


def percent(ratio: float) -> str:
    """`0.123` as `12.3 %`, `0.9995` as `99.95 %`: two digits of what is left to the nearer end, at least one place."""
    rest = min(abs(ratio), abs(1 - ratio))
    places = 1 if rest == 0 else min(max(1, 1 - math.floor(math.log10(rest * 100))), _MAX_PLACES)
    shown = _bare(f"{ratio * 100:,.{places}f}")
    if rest and shown in ("0", "100"):
        return "< 0.0001 %" if ratio < 1 - ratio else "> 99.9999 %"
    return f"{shown} %"


def seconds(value_s: float) -> str:
    """Return a duration in the unit that suits it: `0.42 ms`, `17.2 ms`, `612 ms`, `1.5 s`, `75.2 s`."""
    size = abs(value_s)
    if size == 0:
        return "0 ms"
    if size < 0.0995:  # noqa: PLR2004 - below 100 ms a tenth counts
        return f"{value_s * 1000:.3g} ms"
    if size < 0.9995:  # noqa: PLR2004 - what would round to 1000 ms is a second
        return f"{value_s * 1000:.0f} ms"
    return _bare(f"{value_s:,.2f}" if size < 10 else f"{value_s:,.1f}") + " s"  # noqa: PLR2004 - three digits say enough


def count(value: float) -> str:
    """Return a number with thousands separators: `5,990`, `0.25`, `11.1`."""
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.3g}"  # noqa: PLR2004 - three digits say enough


def _bare(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number


def clean(text: str) -> str:
    """Return `text` without control and direction-changing characters, on one line."""
    return " ".join(_CONTROL.sub("", text).split())


def printable(text: str, kept: str = "\n") -> str:
    """Return `text` as a terminal can take it: what it doesn't show as a character is an escape, but for those `kept`.

    Those are control characters, changes of direction, characters without width, half a surrogate pair, and what no
    version of Unicode knows.
    """
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or one in kept or unicodedata.category(one) == "Zs" else repr(one)[1:-1]
        for one in text
    )


def clip(text: str, width: int) -> str:
    """Return `text` in at most `width` characters."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"
