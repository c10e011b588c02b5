"""What the tests of CI share: a host, and `peakproof ci` in a repository with a job's variables."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scripts.cli import build_parser
from scripts.context import Context
from tests.scripts.ci.api_server import FakeHost, fake_host
from tests.scripts.ci.judged import OBJECTIVES


@pytest.fixture
def host() -> Iterator[FakeHost]:
    with fake_host() as one:
        yield one


@dataclass(kw_only=True)
class Repository:
    """A folder with objectives.yaml; `variables` are the host's."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def ci(self, *arguments: str) -> int:
        """Run `peakproof ci`; return its exit code."""
        options = build_parser("ci").parse_args(["ci", *arguments])
        context = Context(
            environment=self.variables, folder=self.folder, say=self.said.append, is_terminal=False, command="peakproof"
        )
        return int(options.run(options, context))

    def written(self, name: str) -> str:
        """Return what lies in the artifact."""
        return (self.folder / "peakproof-ci" / name).read_text()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    (tmp_path / "objectives.yaml").write_text(OBJECTIVES)
    return Repository(folder=tmp_path)
