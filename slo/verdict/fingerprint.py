"""The fingerprint of an environment in words, and against production's where that is declared."""

from collections.abc import Iterator, Mapping

from slo.formatting import clean, clip, count, percent

Fingerprint = Mapping[str, str | int | float | bool]
MOST = 8
_COUNTABLE = 100
_EXACT, _CLOSE = 0.001, 0.03
_HARDLY_MORE = 1.01
_LONGEST = 40
_FRACTIONS = {
    2: "half",
    3: "a third",
    4: "a quarter",
    5: "a fifth",
    10: "a tenth",
    20: "a twentieth",
    50: "a fiftieth",
    100: "a hundredth",
    1000: "a thousandth",
}


def described(own: Fingerprint, production: Fingerprint) -> str:
    """Return each fact in its order: `2 of 6 replicas, a tenth of production's orders, cache cold`.

    A fact that production has, too, is said as a difference where it is one; one that only production has is unknown.
    Empty where nothing is declared.
    """
    if not own:
        return ""
    parts = [*_facts(own, production)]
    more = [f"and {len(parts) - MOST} more"] if len(parts) > MOST else []
    same = [", as production's"] if own == production else []
    return ", ".join([*parts[:MOST], *more]) + "".join(same)


def _facts(own: Fingerprint, production: Fingerprint) -> Iterator[str]:
    for name, here in own.items():
        there = production.get(name, here)
        if here == there:
            yield f"{_name(name)} {_value(here)}"
        elif isinstance(here, str | bool) or isinstance(there, str | bool):
            yield f"{_name(name)} {_value(here)} instead of {_value(there)}"
        else:
            yield _compared(_name(name), float(here), float(there))
    for name, there in production.items():
        if name not in own:
            yield f"{_name(name)} unknown instead of {_value(there)}"


def _compared(name: str, here: float, there: float) -> str:
    """Return two numbers against each other: small whole ones as a count, others as a share."""
    if here < 0 or there <= 0:
        return f"{name} {count(here)} instead of {count(there)}"
    if here.is_integer() and there.is_integer() and max(here, there) <= _COUNTABLE:
        return f"{count(here)} {'of' if here < there else 'instead of'} {count(there)} {name}"
    return f"{_share(here / there)} production's {name}"


def _share(ratio: float) -> str:
    if ratio == 0:
        return "none of"
    if 1 < ratio < _HARDLY_MORE:
        return f"{percent(ratio)} of"
    if ratio > 1:
        return "twice" if abs(ratio - 2) <= _EXACT else f"{ratio:.3g} times"
    parts, word = min(_FRACTIONS.items(), key=lambda one: abs(1 - ratio * one[0]))
    off = abs(1 - ratio * parts)
    if off > _CLOSE:
        return f"{percent(ratio)} of"
    return f"{word} of" if off <= _EXACT else f"about {word} of"


def _value(value: str | float) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return clip(clean(value), _LONGEST) if isinstance(value, str) else count(value)


def _name(name: str) -> str:
    return clip(clean(name.replace("_", " ")), _LONGEST)
