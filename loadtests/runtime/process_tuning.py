"""Tuning of a load-generating process: garbage collection thresholds, and Arrow's memory allocator.

A full collection visits every object of every open session: with 6,700 of them thinking it held the hub for 0.2 to
0.5 s, four times in 40 s. What goes away in a session goes by reference counts; cycles are few and can wait.

Arrow's own allocator takes memory by the huge page and gives it back soon: with parts that are small and written some
seconds apart, the kernel cleared megabytes for each, 3 % of an engine at 1,000 requests a second.
"""

import gc

import pyarrow as pa

# New objects before a young collection; those before a middle one; those before a full one.
_THRESHOLDS = (5_000, 200, 1_000)


def calm() -> None:
    """Freeze all present objects, and collect garbage rarely from now on. Only for a process of our own."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)


def share() -> None:
    """Let Arrow allocate with the C library from now on. Only for a process of our own."""
    pa.set_memory_pool(pa.system_memory_pool())
