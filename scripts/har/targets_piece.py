"""The piece of targets.yaml that a storefront's draft needs: its hosts, its settings, its accounts."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from loadtests.demand.profiles import PROFILES, RELEASE
from loadtests.environment.targets import Targets
from loadtests.har.importing import Imported
from scripts.init.drafts import ceiling, is_named_staging
from slo.documents import parse_yaml, validate


def targets_piece(name: str, file: str, imported: Imported) -> str:
    """Return targets.yaml for a draft in `file`; valid as it stands. Raises BadInput for a name that is none."""
    text = "\n".join([*_lines(name, file, imported), ""])
    validate(parse_yaml(text, Path("targets.yaml")), Targets, "targets.yaml")
    return text


def variable_of(setting: str) -> str:
    """Return the variable that holds a setting."""
    return f"SHOP_{setting.upper()}"


def accounts_note(imported: Imported) -> list[str]:
    """Return what is to be done about accounts and settings, before a try."""
    steps = [f"export {variable_of(one)}=…" for one in imported.flow.settings]
    return [
        *steps,
        *(["write accounts.csv: user,password"] if imported.flow.logs_in and not imported.flow.registers else []),
    ]


def _lines(name: str, file: str, imported: Imported) -> Iterator[str]:
    base = imported.visit.base
    host = (urlsplit(base).hostname or "").lower()
    local = host in ("localhost", "::1") or host.startswith("127.")
    production = not local and not is_named_staging(host)
    storefront: dict[str, object] = {"file": file}
    if imported.flow.settings:
        storefront["settings"] = {one: {"env": variable_of(one)} for one in imported.flow.settings}
    yield "# What may be loaded, made by `peakproof har import`; docs/your-own-shop.md says what each key means."
    yield "format: peakproof/targets/v1"
    yield "environments:"
    yield f"  {name}:"
    yield f"    base_url: {json.dumps(base)}"
    yield f"    storefront: {json.dumps(storefront)}"
    if imported.labels:
        hosts = {label: {"url": origin} for origin, label in imported.labels.items()}
        yield f"    hosts: {json.dumps(hosts)}"
    if imported.flow.registers:
        yield "    accounts: {share: {new: 1.0}}   # the visit registers: every session is a new customer"
    elif imported.flow.logs_in:
        yield "    accounts: {file: accounts.csv, share: {returning: 1.0}}   # columns user and password"
    note = "its name doesn't look like staging; set false if it isn't production"
    yield f"    production: {'true   # ' + note if production else 'false   # true: no run without a permission'}"
    low = json.dumps(ceiling(PROFILES[RELEASE]).model_dump(mode="json"))
    yield f"    ceiling: {low}   # low on purpose: raise it once you know what the shop can take"
    if not local:
        yield "    # What a test order triggers. Make sure, then declare each:"
        yield '    # "off" (with its quotes), sandbox or acknowledged.'
        yield '    # side_effects: {mail: "off", tax: "off", erp: "off", analytics: "off", payments: sandbox}'
    yield "    # shop_records: …   what the audit reads: docs/your-own-shop.md"
