"""Pages of the dashboards for people without Grafana: of a finished run offline, or of a running Prometheus."""
