"""What tests of one folder share ends with the last of them: a stand-in shop that idles takes two percent of a core."""

from contextlib import ExitStack
from pathlib import Path

import pytest


class UntilLast(ExitStack):
    """Holds what the tests of one folder share, in whatever order these run among others."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._last: pytest.Item | None = None

    def look(self, done: pytest.Item) -> None:
        """End it all if the test that is `done` is the last of the folder that was collected."""
        if self._last is None:
            self._last = next(one for one in reversed(done.session.items) if self._folder in one.path.parents)
        if done is self._last:
            self.close()
