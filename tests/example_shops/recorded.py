"""Visits to the example shops that Chromium recorded: imported, changed by hand as a patch says, and played.

`visits/` holds two recordings of each shop, by different shoppers, and the patch. `examples/shops/record_visit.py`
records them anew.
"""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from loadtests.har.reading import read_har
from tests.example_shops.node import EXAMPLES
from tests.example_shops.played import Example

VISITS = Path(__file__).parent / "visits"
# An id of the shop's own: a number, or a word with a ULID.
_ID = re.compile(r"[a-z_]+_[0-9A-HJKMNP-TV-Z]{26}|\d+")


def recordings(name: str, folder: Path) -> tuple[Path, Path]:
    """Unpack both recordings of a shop into `folder`."""
    made = folder / "visit.har", folder / "again.har"
    for path, packed in zip(made, (f"{name}.har.gz", f"{name}-again.har.gz"), strict=True):
        path.write_bytes(gzip.decompress((VISITS / packed).read_bytes()))
    return made


def changed_lines(name: str) -> int:
    """Return how many lines the patch of a shop's draft takes away and adds."""
    lines = (VISITS / f"{name}.patch").read_text().splitlines()
    return sum(line.startswith(("+", "-")) and not line.startswith(("+++", "---")) for line in lines)


def mend(folder: Path, name: str) -> None:
    """Change `storefront.py`, a draft as it was imported, as was done by hand."""
    ours = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    git = shutil.which("git") or "git"
    subprocess.run([git, "apply", str(VISITS / f"{name}.patch")], cwd=folder, env=ours, check=True)


def bought(shop: Example, name: str, **secrets: str) -> Mapping[str, str]:
    """Import the recordings of a shop, change the draft by hand, and let a shopper buy; return the audit's answers."""
    folder = shop.folder / "recorded"
    folder.mkdir()
    shutil.copy(shop.folder / "records.py", folder)
    here = Example(folder=folder, variables={**shop.variables, **secrets})
    imported = here.peakproof("har", "import", *(path.name for path in recordings(name, folder)))
    assert imported.code == 0, imported.out
    mend(folder, name)
    _point(folder / "targets.yaml", (shop.folder / "targets.yaml").read_text())
    tried = here.peakproof("try", "--on", "staging", "--journey", "buy")
    assert tried.code == 0, tried.out
    assert "order accepted: " in tried.out
    (attempt,) = (folder / "tries").iterdir()
    audited = here.peakproof("audit", str(attempt))
    assert audited.code == 0, audited.out
    audit = json.loads((attempt / "audit.json").read_text())
    assert audit["counts"]["accepted"] == 1
    return {check["name"]: check["outcome"] for check in audit["checks"]}


def asked_anew(shop: Example, name: str, *options: str) -> tuple[list[str], list[str]]:
    """Record a visit anew; return what it asked the shop for, and what the first shopper of `visits/` asked for."""
    fresh = shop.folder / "fresh.har"
    before, _ = recordings(name, shop.folder)
    url = _value((shop.folder / "targets.yaml").read_text(), "base_url")
    recorder = [sys.executable, str(EXAMPLES / "record_visit.py"), name, url, str(fresh), "--thought", "0", *options]
    subprocess.run(recorder, check=True, timeout=120)
    return _asked(fresh), _asked(before)


def _asked(recording: Path) -> list[str]:
    """Return the pages and data that a visit asked for, ids left out."""
    entries = read_har(recording).entries
    return [f"{one.method} {_ID.sub('*', one.parts.path)}" for one in entries if one.kind in ("document", "fetch")]


def _point(targets: Path, example: str) -> None:
    """Point an imported file of targets at the shop and its records, as the example's own file does."""
    text = re.sub(r"base_url: \S+", f"base_url: {_value(example, 'base_url')}", targets.read_text())
    targets.write_text(f"{text.rstrip()}\n    shop_records: {_value(example, 'shop_records')}\n")


def _value(text: str, key: str) -> str:
    found = re.search(rf"^ *{key}: (.*)$", text, re.MULTILINE)
    assert found is not None
    return found[1]
