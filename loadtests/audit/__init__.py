"""The audit: the ledger against what the shop says."""
