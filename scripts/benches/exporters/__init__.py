"""The exporters, the rules and the alerts, measured: `make bench-exporters`."""
