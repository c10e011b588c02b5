"""The guard, but it looks after its program once an hour."""

import sys

from loadtests.runtime import guarded_child

guarded_child._LOOK_S = 3600
sys.exit(guarded_child.main(sys.argv[1:]))
