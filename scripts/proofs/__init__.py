"""Long proofs, resumable: `make prove-<name>`; each prints a table and writes `build/bench/<name>.json`."""
