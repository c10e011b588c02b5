"""What is wrong with a run's evidence, as findings: each file that isn't as the manifest lists it, by name."""

from collections.abc import Sequence
from dataclasses import replace

from slo.findings import Finding, Severity
from slo.formatting import clean, clip, count
from slo.validity.checks import Checked
from slo.validity.context import invalid

MANIFEST = "manifest"
_NAMED = 20
_LONGEST = 300
_CHANGE = "take the run directory as the run left it, or run again"
MISREAD = "read another than"
"""Of a step that read a file as it was before another step: what it wrote is mended by doing it again."""
_AGAIN = "peakproof audit RUN, which reads all of it anew; if that changes nothing, run again"
_OF_MISSING = {
    "manifest.json": f"{_CHANGE}; peakproof judge RUN --unverified judges what is there, never as a PASS",
    "manifest.json.sig": "have it signed where it was played (gate --sign, peakproof sign), or leave --signers out",
}
UNVERIFIED = invalid(
    MANIFEST,
    "judged unverified: by what is there it would be a PASS, but nothing shows that it is the run's, and all of it",
    "run again: a run leaves a manifest now",
)


def manifest_check(flaws: Sequence[tuple[str, str]]) -> Checked:
    """Return the check of a directory against its manifest; `flaws` are files, each with what is wrong with it."""
    named = [invalid(MANIFEST, shown(file, what), next_step(file, what)) for file, what in flaws[:_NAMED]]
    if len(flaws) > _NAMED:
        more = f"{count(len(flaws) - _NAMED)} more files aren't as they were: peakproof verify RUN names them"
        named.append(invalid(MANIFEST, more, _CHANGE))
    return Checked(name=MANIFEST, findings=tuple(named))


def next_step(file: str, what: str) -> str:
    """Return what to do where a file isn't as it was; a missing manifest or signature has a step of its own."""
    if MISREAD in what:
        return _AGAIN
    return _OF_MISSING.get(file, _CHANGE) if what.startswith("missing") else _CHANGE


def shown(file: str, what: str) -> str:
    """Return what is wrong with a file as text that any terminal takes, whatever the file is called."""
    return clip(clean(f"{file}: {what}".encode(errors="backslashreplace").decode()), _LONGEST)


def noted(checks: Sequence[Checked]) -> tuple[Checked, ...]:
    """Return checks whose findings are noted, and decide nothing."""
    return tuple(replace(one, findings=tuple(_note(finding) for finding in one.findings)) for one in checks)


def _note(finding: Finding) -> Finding:
    return replace(finding, severity=Severity.NOTE, change="")
