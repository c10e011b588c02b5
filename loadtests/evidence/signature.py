"""A detached signature over a manifest, by `ssh-keygen -Y` (PROTOCOL.sshsig of OpenSSH), in `manifest.json.sig`.

Signed are the bytes of `manifest.json` as they are then. Steps that follow append to it: a rendering leaves the
signature as it is, for what it signed is still the file's beginning; evidence that a later step writes or removes is
named, until the run is signed again.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from loadtests.evidence.check import Flaw
from loadtests.evidence.files import is_evidence
from loadtests.evidence.manifest import NO_PLAIN_FILE, SIGNATURE, Manifest, check_plain
from loadtests.results.run_directory import RunDirectory, write_bytes
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks

NAMESPACE: Final = "peakproof-run"
_TIMEOUT_S = 20.0
_MOST_STEPS = 200
_NOBODY = "signed by nobody whom the file of signers names"
_REWRITTEN = "does not fit manifest.json: that was rewritten since, or the signature is of another run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """Who signed a manifest, as the file of signers calls them, and how many of its steps."""

    by: str
    steps: int


def check_key(key: Path, variables: Mapping[str, str]) -> None:
    """Raise BadInput for a key that can't sign, and EnvironmentLacks without OpenSSH: before a run, not after it."""
    _signature(key, b"", variables)


def sign(directory: RunDirectory, manifest: Manifest, key: Path, variables: Mapping[str, str]) -> None:
    """Write the signature of a manifest; raises BadInput and EnvironmentLacks.

    The key is a private one without a passphrase, or a public one whose private half an agent holds.
    """
    write_bytes(directory.path / SIGNATURE, _signature(key, manifest.to_bytes(), variables))


def signature_flaws(folder: Path, manifest: Manifest, signers: Path, variables: Mapping[str, str]) -> tuple[Flaw, ...]:
    """Return what is wrong with the signature in a run directory, and the evidence that came after it."""
    signed = verified(folder, manifest, signers, variables)
    return (signed,) if isinstance(signed, Flaw) else tuple(later_evidence(manifest, signed.steps))


def verified(folder: Path, manifest: Manifest, signers: Path, variables: Mapping[str, str]) -> Signed | Flaw:
    """Return who signed a manifest by a file of signers (ALLOWED SIGNERS in ssh-keygen(1)), or what is wrong.

    Raises BadInput for a file of signers that isn't there, EnvironmentLacks without OpenSSH.
    """
    if not signers.is_file():
        raise BadInput(f"{signers}: no such file: expected allowed signers, a line each: NAME ssh-ed25519 KEY")
    if not os.path.lexists(folder / SIGNATURE):
        return Flaw(path=SIGNATURE, what="missing: nobody signed the run")
    try:
        check_plain(folder / SIGNATURE)
    except BadInput:
        return Flaw(path=SIGNATURE, what=NO_PLAIN_FILE)
    given = ("-f", str(signers), "-s", str(folder / SIGNATURE))
    found = _keygen(("-Y", "find-principals", *given), b"", variables)
    names = found.stdout.decode(errors="replace").split("\n")[:-1]
    if found.returncode or not names:
        return Flaw(path=SIGNATURE, what=_NOBODY)
    for steps in range(len(manifest.steps), max(0, len(manifest.steps) - _MOST_STEPS), -1):
        for name in names:
            asked = ("-Y", "verify", *given, "-I", name, "-n", NAMESPACE)
            if _keygen(asked, manifest.to_bytes(steps), variables).returncode == 0:
                return Signed(by=name, steps=steps)
    return Flaw(path=SIGNATURE, what=_REWRITTEN)


def later_evidence(manifest: Manifest, steps: int) -> Iterator[Flaw]:
    """Find the evidence of a manifest that came after its first `steps`, which were signed."""
    for step in manifest.steps[steps:]:
        for path in (*(entry.path for entry in step.wrote), *step.removed):
            if is_evidence(path):
                yield Flaw(path=path, what=f"the step {step.step} came after the signature: sign the run again")


def _signature(key: Path, message: bytes, variables: Mapping[str, str]) -> bytes:
    if not key.is_file():
        raise BadInput(f"{key}: no such file: expected an SSH key, such as ssh-keygen -t ed25519 -N '' -f {key} makes")
    done = _keygen(("-Y", "sign", "-f", str(key), "-n", NAMESPACE), message, variables)
    if done.returncode or not done.stdout.startswith(b"-----BEGIN SSH SIGNATURE-----"):
        why = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["ssh-keygen made no signature"]
        raise BadInput(f"{key}: can't sign: {why[0]}; a key with a passphrase needs an agent")
    return done.stdout


def _keygen(
    arguments: tuple[str, ...], message: bytes, variables: Mapping[str, str]
) -> "subprocess.CompletedProcess[bytes]":
    """Run ssh-keygen without a terminal to ask for a passphrase on; raises EnvironmentLacks."""
    program = shutil.which("ssh-keygen", path=variables.get("PATH", os.defpath))
    if program is None:
        raise EnvironmentLacks(
            "ssh-keygen is missing, which signatures need: on Debian, apt-get install openssh-client"
        )
    try:
        return subprocess.run(
            [program, *arguments],
            input=message,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT_S,
            env={**variables, "SSH_ASKPASS_REQUIRE": "never"},
            start_new_session=True,
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentLacks(f"ssh-keygen did not end within {_TIMEOUT_S:g} s") from error
