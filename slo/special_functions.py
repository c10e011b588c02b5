"""SciPy's special functions, imported when they are first asked for.

That takes a quarter of a second of CPU and 28 MB, which most processes that know objectives never need: workers, the
exporters and half of the commands compute no statistic.
"""

from functools import cache
from typing import Any


@cache
def special() -> Any:  # noqa: ANN401 - SciPy ships no types
    """Return `scipy.special`; who may not wait in the midst of their work calls this before."""
    from scipy import special as functions  # noqa: PLC0415 - see above

    return functions
