"""How figures are told to people: one way for all renderings, and nothing that a terminal or XML can't take."""

import re

_CONTROL = re.compile(r"[^\t\n\r\x20-\x7e\xa0-\u2027\u202f-\u2065\u2070-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SECOND = 1.0


def percent(ratio: float) -> str:
    """`0.123` as `12.3 %`, with as many digits as a small ratio needs."""
    value = ratio * 100
    digits = 1 if value >= 1 or value == 0 else 2 if value >= 0.1 else 3  # noqa: PLR2004 - one more digit a decade
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") + " %"


def seconds(value_s: float) -> str:
    """`0.612` as `612 ms`, `1.5` as `1.5 s`."""
    if value_s >= _SECOND:
        return f"{value_s:.2f}".rstrip("0").rstrip(".") + " s"
    return f"{value_s * 1000:.0f} ms" if value_s >= 0.01 or value_s == 0 else f"{value_s * 1000:.1f} ms"  # noqa: PLR2004 - 10 ms


def count(value: float) -> str:
    """`5990` as `5,990`."""
    return f"{value:,.0f}"


def clean(text: str) -> str:
    """Return `text` without control and direction-changing characters, on one line."""
    return " ".join(_CONTROL.sub("", text).split())


def clip(text: str, width: int) -> str:
    """Return `text` in at most `width` characters."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"
