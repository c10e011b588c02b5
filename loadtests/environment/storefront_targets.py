"""The storefront of an environment: a built-in one by its name, the user's own, or a Locust file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, WithJsonSchema
from pydantic_core import PydanticCustomError

from loadtests.environment.own_code import OwnCode, OwnFile, PythonFile
from loadtests.environment.target_fields import HeaderValue, Variable
from slo.web_addresses import SECRET_NAME

# The one table of storefronts that an environment may name; `loadtests.storefronts` holds each of them.
STOREFRONTS: tuple[str, ...] = ("twisted-threads",)


def _storefront(name: str) -> str:
    if name not in STOREFRONTS:
        known = " or ".join(map(repr, STOREFRONTS))
        raise PydanticCustomError(
            "storefront",
            "Input should be {known}, or {file: your-storefront.py}, or {locustfile: your-locustfile.py}",
            {"known": known},
        )
    return name


StorefrontName = Annotated[
    str, AfterValidator(_storefront), WithJsonSchema({"type": "string", "const": STOREFRONTS[0], "title": "Storefront"})
]


class Locustfile(OwnCode):
    """A Locust file, which is played as it is: its users are journeys.

    `settings` are the values of the arguments that it adds to Locust's command line, `variables` the environment
    variables that it reads (those that are named as a secret is are masked), and `files` patterns of what lies below
    its folder and belongs to it. A session of a user whose tasks are drawn plays `tasks_per_session` in the mean.
    """

    locustfile: PythonFile
    tasks_per_session: float = Field(default=5, ge=1, le=1000)
    tags: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """The path of the file."""
        return self.locustfile

    def sources(self) -> dict[str, HeaderValue]:
        """Return the settings and the variables that are read from a variable or a file, by name."""
        named = {f"${name}": HeaderValue(env=name) for name in self.variables if SECRET_NAME.search(name)}
        return {**super().sources(), **named}

    def anchored(self, folder: Path) -> Self:
        """Return it with every path absolute: what is relative is looked for in `folder`."""
        return super().anchored(folder).model_copy(update={"locustfile": str((folder / self.locustfile).absolute())})


def _kind_of_storefront(value: object) -> str:
    if isinstance(value, Locustfile) or (isinstance(value, Mapping) and "locustfile" in value):
        return "<locust>"
    return "<file>" if isinstance(value, Mapping | OwnFile) else "<name>"


# A storefront by its built-in name, or the user's own; a tag in angle brackets is no part of a place in the document.
StorefrontSource = Annotated[
    Annotated[StorefrontName, Tag("<name>")]
    | Annotated[OwnFile, Tag("<file>")]
    | Annotated[Locustfile, Tag("<locust>")],
    Discriminator(_kind_of_storefront),
]
