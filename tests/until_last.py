"""What tests of one folder share ends with the last of them: a stand-in shop that idles takes two percent of a core."""

from contextlib import ExitStack
from pathlib import Path

import pytest


class UntilLast(ExitStack):
    """Holds what the tests of one folder, which run one after the other, share."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def look(self, following: pytest.Item | None) -> None:
        """End it all, unless the `following` test of this process is in the folder as well."""
        if following is None or self._folder not in following.path.parents:
            self.close()
