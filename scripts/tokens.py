"""Bearer tokens of servers that other machines reach: from a variable, or from the file that `…_FILE` names."""

from collections.abc import Mapping
from pathlib import Path

from loadtests.environment.credentials import Secret
from slo.documents import BadInput, read_text

METRICS = "PEAKPROOF_METRICS_TOKEN"
SHORTEST = 16
_MAX_BYTES = 4096


def token_named(name: str, variables: Mapping[str, str], needed: str) -> Secret:
    """Return the token in the variable `name`, or in the file that `name`_FILE names.

    Raises BadInput, which says why it is `needed` and shows no value.
    """
    where = f"the environment variable {name}"
    text = variables.get(name, "")
    if not text and (file := variables.get(f"{name}_FILE")):
        where, text = file, read_text(Path(file), _MAX_BYTES).strip()
    elif not text:
        raise BadInput(f"{where} is not set: {needed}; {name}_FILE may name a file that holds it")
    if len(text) < SHORTEST or not text.isascii() or not text.isprintable() or " " in text:
        raise BadInput(f"{where}: expected a token of at least {SHORTEST} printable characters, without a space")
    return Secret(text)
