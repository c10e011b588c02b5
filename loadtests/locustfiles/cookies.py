"""A session's cookies, as requests' jar is used."""

from collections.abc import Iterator
from typing import Any

from loadtests.client.cookies import HostCookies


class Cookies:
    """The cookies that go to the host of `base_url`, by name."""

    __slots__ = ("_held",)

    def __init__(self, held: HostCookies) -> None:
        self._held = held

    def get(self, name: str, default: Any = None, **_: Any) -> Any:  # noqa: ANN401 - requests' signature
        """Return a cookie's value."""
        return self._held.values().get(name, default)

    def set(self, name: str, value: str | None, **how: Any) -> None:  # noqa: ANN401 - requests' signature
        """Hold a cookie; None drops it."""
        if value is None:
            self._held.drop(name)
        else:
            self._held.keep([f"{name}={value}; Path={how.get('path') or '/'}"], "/")

    def update(self, other: Any) -> None:  # noqa: ANN401 - a mapping or a jar
        """Hold cookies."""
        for name, value in dict(other).items():
            self.set(name, value)

    def clear(self, domain: str | None = None, path: str | None = None, name: str | None = None) -> None:
        """Forget a cookie, or all of them."""
        del domain, path
        self._held.drop(name)

    def get_dict(self, **_: Any) -> dict[str, str]:  # noqa: ANN401 - requests' signature
        """Return them all."""
        return self._held.values()

    def keys(self) -> list[str]:
        """Return their names."""
        return list(self._held.values())

    def values(self) -> list[str]:
        """Return their values."""
        return list(self._held.values().values())

    def items(self) -> list[tuple[str, str]]:
        """Return names and values."""
        return list(self._held.values().items())

    def __getitem__(self, name: str) -> str:
        return self._held.values()[name]

    def __setitem__(self, name: str, value: str) -> None:
        self.set(name, value)

    def __delitem__(self, name: str) -> None:
        self._held.drop(name)

    def __contains__(self, name: object) -> bool:
        return name in self._held.values()

    def __len__(self) -> int:
        return len(self._held.values())

    def __iter__(self) -> Iterator["HeldCookie"]:
        return iter([HeldCookie(name, value) for name, value in self.items()])


class HeldCookie:
    """One cookie."""

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: str) -> None:
        self.name, self.value = name, value
