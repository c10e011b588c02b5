"""What people look at: Grafana dashboards and the report of a run."""
