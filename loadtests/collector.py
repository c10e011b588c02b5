"""Python's garbage collector, kept from standing in the way of a load generator.

A full collection visits every object of every open session: with 6,700 of them thinking it held the hub for 0.2 to
0.5 s, four times in 40 s. What goes away in a session goes by reference counts; cycles are few and can wait.
"""

import gc

# New objects before a young collection; those before a middle one; those before a full one.
_THRESHOLDS = (5_000, 200, 1_000)


def calm() -> None:
    """Leave out of every collection what is there by now, and collect the rest seldom. For a process of our own."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
