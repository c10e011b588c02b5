"""The dashboards of a running Prometheus as pages on loopback, for people without Grafana."""
