"""Releases of the shop: named builds, each with a version and a behaviour."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from staging.shop.releases.behaviour import Behaviour
from staging.shop.releases.faults import behaviour_with

LARGEST_FILE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A build of the shop; only its version shows outside the admin interface."""

    name: str
    version: str
    behaviour: Behaviour


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    version: Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+){1,3}$")]
    faults: list[str]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    format: Literal["peakproof/releases/v1"]
    releases: dict[str, _Entry]


def read_releases(path: Path | None = None) -> dict[str, Release]:
    """Return the releases of a file, by name, or of `staging/releases.yaml`.

    Raises ValueError, naming file and place, when the file isn't one.
    """
    source = path or files("staging").joinpath("releases.yaml")
    try:
        text = source.read_text(encoding="utf-8")
        if len(text) > LARGEST_FILE:
            raise ValueError(f"larger than {LARGEST_FILE} characters")  # noqa: TRY301 - reported like the others
        entries = _File.model_validate(yaml.safe_load(text)).releases
        return {name: _release(name, entry) for name, entry in entries.items()}
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{source}: {place}: {first['msg']}") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ValueError(f"{source}: {error}") from None


def _release(name: str, entry: _Entry) -> Release:
    try:
        return Release(name=name, version=entry.version, behaviour=behaviour_with(entry.faults))
    except ValueError as error:
        raise ValueError(f"releases.{name}.faults: {error}") from None


class CurrentRelease:
    """The release this replica runs; each request reads it once and keeps to it."""

    def __init__(self, releases: Mapping[str, Release], name: str) -> None:
        self._releases = releases
        self._current = releases[name]

    def get(self) -> Release:
        """Return the release that a request starting now runs on."""
        return self._current

    def switch(self, name: str) -> Release:
        """Make `name` the release of the requests to come; raises KeyError, its message naming the known ones."""
        if name not in self._releases:
            raise KeyError(f"unknown release; known: {', '.join(sorted(self._releases))}")
        self._current = self._releases[name]
        return self._current
