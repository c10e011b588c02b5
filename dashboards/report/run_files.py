"""A run directory as found: its documents, and what is missing from it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dashboards.report.documents import Audit, Model, PlanFile, Run, Verdict, Window, read_document
from loadtests.results.run_directory import RunDirectory
from slo.documents import BadInput

MAX_HASHED_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something the page can't show: the file, and why."""

    file: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The documents of one run; a missing one is None and stands among `gaps`."""

    directory: RunDirectory
    run: Run | None
    verdict: Verdict | None
    audit: Audit | None
    plan: PlanFile | None
    hashes: Mapping[str, str]
    gaps: list[Gap]

    @property
    def judged(self) -> Window | None:
        """The judged time: the verdict's, else the run's."""
        if self.verdict and self.verdict.judged:
            return self.verdict.judged
        return self.run.judged if self.run else None


def read(path: Path) -> Reading:
    """Read the documents of the run directory at `path`; raises BadInput only when it is no directory."""
    if not path.is_dir():
        raise BadInput(f"{path}: not a run directory")
    directory = RunDirectory(path=path.resolve())
    gaps: list[Gap] = []
    return Reading(
        directory=directory,
        run=_document(directory.run, Run, gaps),
        verdict=_document(directory.verdict, Verdict, gaps),
        audit=_document(directory.audit, Audit, gaps),
        plan=_document(directory.plan, PlanFile, gaps),
        hashes=_hashes(directory),
        gaps=gaps,
    )


def _document(path: Path, model: type[Model], gaps: list[Gap]) -> Model | None:
    try:
        return read_document(path, model)
    except BadInput as error:
        gaps.append(Gap(file=path.name, why=str(error)))
        return None


def _hashes(directory: RunDirectory) -> dict[str, str]:
    """Return the SHA-256 of every input and document, by name."""
    named = [directory.plan, *sorted(directory.objectives.glob("*.yaml")), directory.targets]
    named += [directory.run, directory.audit, directory.verdict]
    return {
        str(path.relative_to(directory.path)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in named
        if path.is_file() and path.stat().st_size <= MAX_HASHED_BYTES
    }
