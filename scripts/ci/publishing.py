"""Writing what a pipeline keeps of a finished run, and telling the host: the same files for each host."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from loadtests.results.run_directory import write_bytes, write_json
from scripts.ci import github, gitlab
from scripts.ci.bundle import write_bundle
from scripts.ci.conclusion import Conclusion, OnInconclusive, Rule, conclude
from scripts.ci.finished import Finished, own_page
from scripts.ci.job import Job
from scripts.ci.objective_lines import objective_places
from scripts.ci.published import Published
from scripts.ci.text import COMMENT_BYTES, STEP_SUMMARY_BYTES, markdown
from slo.documents import BadInput
from slo.formatting import clean
from slo.outcomes import ExitCode
from slo.policy.policy import read_policy

_ROOM = 2_000  # of a comment's bytes, for its mark and its link


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line asks for; `folder` is where the files go."""

    name: str
    folder: Path
    objectives: Sequence[Path]
    evidence: bool = False
    on_inconclusive: OnInconclusive | None = None
    policy: Path | None = None


def rule_of(wanted: Wanted, job: Job) -> Rule:
    """Return what blocks: by the option, else the policy's file, else by what started the job; raises BadInput."""
    policy = None if wanted.policy is None else read_policy(wanted.policy)
    if policy is not None and policy.mode == "advisory":
        return Rule(on_inconclusive="warn", because=f"{wanted.policy}: mode: advisory", is_advisory=True)
    if wanted.on_inconclusive is not None:
        return Rule(on_inconclusive=wanted.on_inconclusive, because="--on-inconclusive")
    if policy is not None and "on_inconclusive" in policy.model_fields_set:
        return Rule(on_inconclusive=policy.on_inconclusive, because=f"{wanted.policy}: on_inconclusive")
    return Rule(on_inconclusive="block" if job.change is None else "warn", because=job.started_by)


def publish(
    finished: Finished,
    wanted: Wanted,
    job: Job,
    variables: Mapping[str, str],
    say: Callable[[str], None],
    notes: tuple[str, ...] = (),
) -> int:
    """Write the files, tell the host, and return the exit code of the step or job."""
    conclusion = conclude(finished, rule_of(wanted, job))
    told = Published(
        name=wanted.name,
        finished=finished,
        conclusion=conclusion,
        job=job,
        places=objective_places(wanted.objectives, job.repository),
        folder=wanted.folder,
        notes=notes,
    )
    _write(told, wanted)
    say(conclusion.title)
    if job.host == "github":
        return github.publish(told, variables, say)
    return gitlab.publish(told, variables, say) if job.host == "gitlab" else int(conclusion.code)


def _write(told: Published, wanted: Wanted) -> None:
    folder, finished = told.folder, told.finished
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder}: expected a folder to write into")
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(folder / "summary.md", markdown(finished, told.conclusion, told.notes, STEP_SUMMARY_BYTES).encode())
    write_bytes(folder / "comment.md", markdown(finished, told.conclusion, told.notes, COMMENT_BYTES - _ROOM).encode())
    write_bytes(folder / "conclusion", f"{told.conclusion.word}\n".encode())
    write_bytes(folder / "junit.xml", _junit(finished, told.conclusion))
    write_json(
        folder / "outcome.json",
        {
            "format": "peakproof/ci/v1",
            "outcome": None if finished.outcome is None else finished.outcome.value,
            "conclusion": told.conclusion.word,
            "blocks": told.conclusion.blocks,
            "title": told.conclusion.title,
            "exit_code": int(told.conclusion.code),
            "run": finished.name or None,
            "notes": list(told.notes),
        },
    )
    if finished.path is not None:
        write_bundle(finished.path, folder / "run", evidence=wanted.evidence)


def _junit(finished: Finished, conclusion: Conclusion) -> bytes:
    """Return the run's own document, or one case that says that there is none; an open end has a name of its own."""
    own = None if finished.path is None else own_page(finished.path, "junit.xml")
    if own is not None:
        return own.read_bytes()
    name = "the run as a whole" if conclusion.code == ExitCode.OK else conclusion.word.replace("-", " ")
    suites = ET.Element("testsuites", name="peakproof", tests="1")
    suite = ET.SubElement(suites, "testsuite", name="verdict", tests="1")
    case = ET.SubElement(suite, "testcase", classname="peakproof.verdict", name=name)
    if conclusion.code != ExitCode.OK:
        kind = "failure" if conclusion.word == "failed" else "error"
        suite.set(f"{kind}s", "1")
        ET.SubElement(case, kind, message=clean(conclusion.title), type=conclusion.word)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(suites, encoding="unicode")}\n'.encode()
