"""The page of a season: the p95 of each objective over runs and releases."""
