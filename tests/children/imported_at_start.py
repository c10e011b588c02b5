"""Imports where processes of each kind begin, one after the other; prints which packages are there after each."""

import json
import sys
from importlib import import_module

found = {}
for name in sys.argv[1:]:
    import_module(name)
    found[name] = sorted({module.partition(".")[0] for module in sys.modules})
print(json.dumps(found))
