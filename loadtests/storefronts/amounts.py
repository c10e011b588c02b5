"""Amounts of money as shops write them, in cents."""

import re
from decimal import Decimal

_NUMBER = re.compile(r"\d[\d.,'\u2019\u00a0\u202f ]*")
_CENTS = re.compile(r"[.,](\d{1,2})$")


def cents(amount: object) -> int:
    """Return an amount in the currency's own unit as cents, exactly: 19.99, "19.9", "£1,299.00", "1.299,00 €".

    Of a text the first number counts; what follows its last point or comma are cents when it is one or two digits.
    Raises ValueError for what is no amount.
    """
    if isinstance(amount, bool) or not isinstance(amount, int | float | Decimal | str):
        raise ValueError(f"not an amount: {type(amount).__name__}")  # noqa: TRY004 - one error for no amount
    if not isinstance(amount, str):
        try:
            exact = Decimal(str(amount)) * 100
        except ArithmeticError:  # beyond what Decimal calculates with
            raise ValueError("an amount out of range") from None
        if not exact.is_finite() or exact != exact.to_integral_value():
            raise ValueError("an amount with a fraction of a cent")
        return int(exact)
    found = _NUMBER.search(amount)
    if found is None:
        raise ValueError("no number in the amount")
    number = found[0].rstrip(".,'\u2019\u00a0\u202f ")
    fraction = _CENTS.search(number)
    whole = number[: fraction.start()] if fraction else number
    negative = "-" in amount[: found.start()] or "\u2212" in amount[: found.start()]
    value = int("".join(filter(str.isdigit, whole)) or "0") * 100 + (int(f"{fraction[1]:0<2}") if fraction else 0)
    return -value if negative else value
