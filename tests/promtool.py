"""promtool, for the tests that let Prometheus itself evaluate."""

import os
import shutil

import pytest

PROMTOOL = os.environ.get("PEAKPROOF_PROMTOOL") or shutil.which("promtool")
NEEDED = pytest.mark.skipif(not PROMTOOL, reason="promtool is neither on PATH nor named by PEAKPROOF_PROMTOOL")
