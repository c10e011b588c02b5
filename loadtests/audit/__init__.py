"""The audit: the ledger against the shop records."""
