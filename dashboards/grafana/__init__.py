"""Grafana dashboards as code: panels, one module a dashboard, today's JSON, and the checks that guard them."""
