"""Arrow's memory, taken from where Python's comes.

Arrow's own allocator takes memory by the huge page and gives it back soon: with parts that are small and written some
seconds apart, the kernel cleared megabytes for each, 3 % of an engine at 1,000 requests a second.
"""

import pyarrow as pa


def share() -> None:
    """Take Arrow's memory from the C library from now on. For a process of our own."""
    pa.set_memory_pool(pa.system_memory_pool())
