"""A run directory as found: its documents, and what is missing from it."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from loadtests.cleanup.told import cleaned_up
from loadtests.demand.plan import Plan, read_plan
from loadtests.results.recorded_run import read_object, read_run
from loadtests.results.run_directory import RunDirectory
from slo.documents import BadInput, validate
from slo.objectives.indicators import Window
from slo.validity.run_document import RunDocument
from slo.verdict.audit_document import AuditDocument, parse_audit
from slo.verdict.verdict_document import VerdictDocument

MAX_HASHED_BYTES = 64 << 20
_FLAWS_SHOWN = 50
Model = TypeVar("Model")
Flaws = Sequence[tuple[str, str]]
"""Files of evidence, each with what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A file that the page can't show, and why; `is_there` unless nothing of that name was found."""

    file: str
    why: str
    is_there: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The documents of one run; a missing one is None and stands among `gaps`.

    The first `flawed` gaps are flaws of the evidence. `untrusted` is why no verdict is shown of evidence that isn't
    whole, None of any other.
    `cleanup` is what a cleanup removed and left, in words; None where none began.
    """

    directory: RunDirectory
    run: RunDocument | None
    verdict: VerdictDocument | None
    audit: AuditDocument | None
    cleanup: str | None
    plan: Plan | None
    hashes: Mapping[str, str]
    gaps: list[Gap]
    flawed: int = 0
    untrusted: str | None = None

    @property
    def unread(self) -> list[Gap]:
        """The files that are there as they were left, and that the page all the same can't show."""
        return [gap for gap in self.gaps[self.flawed :] if gap.is_there]

    @property
    def judged(self) -> Window | None:
        """The judged time: the verdict's, else the run's."""
        judged = self.verdict.judged.window if self.verdict and self.verdict.judged else None
        return judged or (self.run.judged_window if self.run else None)

    @property
    def left_out(self) -> Mapping[str, int]:
        """The requests that the verdict left out, by phase."""
        return self.verdict.judged.left_out if self.verdict and self.verdict.judged else {}

    @property
    def phases(self) -> Sequence[tuple[str, Window]]:
        """The phases as they were played, those whose name and time are known."""
        phases = ((phase.name, phase.window) for phase in (self.run and self.run.phases) or ())
        return [(name, window) for name, window in phases if name is not None and window is not None]


def read(path: Path, flaws: Flaws = ()) -> Reading:
    """Read the documents of the run directory at `path`; raises BadInput only when it is no directory.

    `flaws` are files of evidence, each with what is wrong with it: with any, the verdict is left out.
    """
    if not path.is_dir():
        raise BadInput(f"{path}: not a run directory")
    directory = RunDirectory(path=path.resolve())
    gaps = [Gap(file=file, why=what) for file, what in flaws[:_FLAWS_SHOWN]]
    if len(flaws) > _FLAWS_SHOWN:
        gaps.append(
            Gap(file="manifest.json", why=f"lists {len(flaws) - _FLAWS_SHOWN} more files that aren't as they were")
        )
    flawed = len(gaps)
    untrusted = f"its evidence isn't whole: {flaws[0][0]}: {flaws[0][1]}" if flaws else None
    return Reading(
        directory=directory,
        run=_document(directory.run, lambda _path: read_run(directory), gaps),
        verdict=None if flaws else _document(directory.verdict, _verdict, gaps),
        audit=_document(directory.audit, _audit, gaps),
        cleanup=_document(directory.cleanup, cleaned_up, gaps) if directory.cleanup.exists() else None,
        plan=_document(directory.plan, read_plan, gaps),
        hashes=_hashes(directory),
        gaps=gaps,
        flawed=flawed,
        untrusted=untrusted,
    )


def _document(path: Path, read: Callable[[Path], Model], gaps: list[Gap]) -> Model | None:
    """Return what `read` makes of the file; None and a gap of one line when it isn't there or can't be read."""
    if not path.exists():
        gaps.append(Gap(file=path.name, why="is not there", is_there=False))
        return None
    try:
        return read(path)
    except BadInput as error:
        first = str(error).splitlines()[0].removeprefix(f"{path}: ").removeprefix("can't be read: ")
        gaps.append(Gap(file=path.name, why=f"can't be read: {first}"))
        return None


def _verdict(path: Path) -> VerdictDocument:
    return validate(read_object(path), VerdictDocument, path)


def _audit(path: Path) -> AuditDocument:
    return parse_audit(read_object(path), str(path))


def _hashes(directory: RunDirectory) -> dict[str, str]:
    """Return the SHA-256 of every input and document, by name."""
    named = [directory.plan, *sorted(directory.objectives.glob("*.yaml")), directory.targets]
    named += [directory.run, directory.audit, directory.verdict]
    return {
        str(path.relative_to(directory.path)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in named
        if path.is_file() and path.stat().st_size <= MAX_HASHED_BYTES
    }
