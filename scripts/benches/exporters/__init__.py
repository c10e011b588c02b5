"""The exporters and their rules, measured: `make bench-exporters`."""
