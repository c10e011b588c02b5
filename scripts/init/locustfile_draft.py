"""What `peakproof init --locustfile` takes from a locustfile: its users as a mix, and the steps that it spells."""

import os
from dataclasses import dataclass
from pathlib import Path

from loadtests.environment.storefront_targets import Locustfile
from loadtests.environment.targets import Environment
from loadtests.storefronts import storefront_of
from loadtests.storefronts.locustfile import LocustStorefront
from scripts.doctor.lines import Line, ok
from slo.documents import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class LocustfileDraft:
    """A locustfile as drafts name it: `path` as seen from their folder, shares by journey, and the steps it spells.

    `buyers_share` is the share of the sessions that say what they order, None where none does.
    """

    path: str
    shares: dict[str, float]
    steps: tuple[str, ...]
    notes: tuple[str, ...]
    buyers_share: float | None

    @property
    def line(self) -> Line:
        """Say that it is the storefront."""
        users = ", ".join(f"{name} {share:.0%}" for name, share in self.shares.items())
        return ok("storefront", f"{self.path} is played: {users}")


def locustfile_draft(file: Path, folder: Path, environment: Environment) -> LocustfileDraft:
    """Read a locustfile for drafts in `folder`; raises BadInput naming what can't be played."""
    declared = Locustfile(locustfile=str(file.absolute()))
    storefront = storefront_of(environment.model_copy(update={"storefront": declared}))
    if not isinstance(storefront, LocustStorefront):
        raise BadInput(f"{file}: is no locustfile")
    return LocustfileDraft(
        path=os.path.relpath(file.absolute(), folder.absolute()),
        shares=storefront.shares,
        steps=storefront.spelled_steps,
        notes=storefront.notes,
        buyers_share=sum(storefront.shares.get(name, 0.0) for name in storefront.buyers) or None,
    )
