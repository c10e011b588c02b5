"""The shop's orders: the funnel page of a run (funnel.py), and the shop records of an environment (the other modules).

A run's exporter takes `subject`, which passes the shop's own counts on; `subject_of` makes the subject `orders` of
exporters.yaml, which reads the orders themselves.
"""

from exporters.subjects.orders.funnel import MAX_SERIES, Funnel, families, read_funnel, subject

__all__ = ["MAX_SERIES", "Funnel", "families", "read_funnel", "subject"]
