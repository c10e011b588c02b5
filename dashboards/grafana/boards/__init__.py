"""Grafana's dashboards, a module each."""
