"""Whether a worker's run directory is the master's: each must see what the other wrote there.

That both paths have one name says nothing, and a copy of the directory can be read as well as the directory itself.
"""

import hashlib
import secrets
from pathlib import Path

from loadtests.results.run_directory import RunDirectory

_WORD_BYTES = 16
_LONGEST = 100


def show(directory: RunDirectory) -> str:
    """Leave a random word in the master's directory, and return it."""
    word = secrets.token_hex(_WORD_BYTES)
    directory.shared_path_probe.write_text(word, encoding="ascii")
    return word


def look(directory: RunDirectory, client: str) -> str:
    """Return the word in a worker's directory, and copy it into a file of its own; "" where either can't be done."""
    try:
        with directory.shared_path_probe.open(encoding="ascii") as file:
            word = file.read(_LONGEST)
        _sign(directory, client).write_text(word, encoding="ascii")
    except (OSError, ValueError):
        return ""
    return word


def is_shared(directory: RunDirectory, client: str, word: str, read: object) -> bool:
    """Whether a worker that `read` this has the master's directory, in which `word` stands, before it too."""
    sign = _sign(directory, client)
    try:
        seen = sign.read_text(encoding="ascii")
        sign.unlink()
    except (OSError, ValueError):
        return False
    return seen == read == word


def _sign(directory: RunDirectory, client: str) -> Path:
    return directory.path / f"{directory.shared_path_probe.name}-{hashlib.sha256(client.encode()).hexdigest()[:16]}"
