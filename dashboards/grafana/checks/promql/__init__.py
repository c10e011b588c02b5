"""PromQL read for what it means: the labels and the unit of a query's answer, and what can't be right in it."""
