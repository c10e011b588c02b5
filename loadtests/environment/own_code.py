"""Code of the user's that targets.yaml names, and the settings that it is given."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, field_validator

from loadtests.environment.target_fields import File, HeaderValue
from slo.documents import Document
from slo.web_addresses import SECRET_NAME

SettingValue = str | int | float | bool | list[Any] | Mapping[str, Any] | None


def _python_file(name: str) -> str:
    if not name.endswith(".py"):
        raise ValueError("must be a Python file: its name ends in .py")
    return name


PythonFile = Annotated[File, AfterValidator(_python_file)]


class OwnCode(Document):
    """Code of the user's, and the settings that it is given.

    A setting is any value, or {env: NAME} or {file: PATH}: where a secret is read from when a run starts.
    """

    settings: Mapping[str, SettingValue] = Field(default_factory=dict, max_length=100)

    @field_validator("settings")
    @classmethod
    def _hold_no_secret(cls, settings: Mapping[str, SettingValue]) -> Mapping[str, SettingValue]:
        for name, value in settings.items():
            if isinstance(value, Mapping) and value.keys() & {"env", "file"}:
                source = HeaderValue.model_validate(value)
                if source.value is not None:
                    raise ValueError(f"{name} must be a value, or {{env: NAME}}, or {{file: PATH}}")
            elif isinstance(value, str) and SECRET_NAME.search(name):
                raise ValueError(f"{name} looks like a secret: it must come from {{env: NAME}} or {{file: PATH}}")
        return settings

    def sources(self) -> dict[str, HeaderValue]:
        """Return the settings that are read from a variable or a file, by name."""
        return {
            name: HeaderValue.model_validate(value)
            for name, value in self.settings.items()
            if isinstance(value, Mapping) and value.keys() & {"env", "file"}
        }

    def anchored(self, folder: Path) -> Self:
        """Return it with every path absolute: what is relative is looked for in `folder`."""
        files = {
            name: {"file": str((folder / source.file).absolute())}
            for name, source in self.sources().items()
            if source.file is not None
        }
        return self.model_copy(update={"settings": {**self.settings, **files}})


class OwnFile(OwnCode):
    """A Python file of the user's, and the settings that it is given."""

    file: PythonFile

    def anchored(self, folder: Path) -> Self:
        """Return it with every path absolute: what is relative is looked for in `folder`."""
        return super().anchored(folder).model_copy(update={"file": str((folder / self.file).absolute())})
