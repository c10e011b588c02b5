"""Who is notified of what happens to an environment, as targets.yaml declares it: an Alertmanager, a Grafana."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from loadtests.environment.target_fields import File, Label, Variable, WebAddress
from slo.documents import Document

# The label that every rule of Peakproof's carries, and by which alerts of one environment are told from another's.
ALERT_LABEL = "environment"


def _printable(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("must not begin or end with a space, or hold a control character")
    return text


LabelValue = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_printable)]


class Token(Document):
    """Where a token is read from when a run starts: a variable or a file."""

    env: Variable | None = None
    file: File | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("must be {env: NAME} or {file: PATH}")
        return self

    def anchored(self, folder: Path) -> "Token":
        """Return it with its path absolute: what is relative is looked for in `folder`."""
        return self if self.file is None else Token(file=str((folder / self.file).absolute()))


class NoticeTargets(Document):
    """The Alertmanager that a run silences for its environment, and the Grafana that it is marked in.

    `alert_environment` is what the label `environment` of this environment's alerts holds, its name by default.
    """

    alertmanager_url: WebAddress | None = None
    alertmanager_token: Token | None = None
    alert_environment: LabelValue | None = None
    grafana_url: WebAddress | None = None
    grafana_token: Token | None = None

    @model_validator(mode="after")
    def _tokens_have_a_place(self) -> Self:
        for name in ("alertmanager", "grafana"):
            url = getattr(self, f"{name}_url")
            if url is None and getattr(self, f"{name}_token") is not None:
                raise ValueError(f"{name}_token needs {name}_url")
            if url is not None and ("?" in url or "#" in url):
                raise ValueError(f"{name}_url must not hold a query or a fragment")
        return self

    def alerts_of(self, name: Label) -> str:
        """Return the value of the label `environment` that alerts of this environment carry; `name` is its own."""
        return self.alert_environment or name

    def anchored_notices(self, folder: Path) -> dict[str, object]:
        """Return the tokens with their paths absolute."""
        tokens = {name: getattr(self, name) for name in ("alertmanager_token", "grafana_token")}
        return {name: None if token is None else token.anchored(folder) for name, token in tokens.items()}
