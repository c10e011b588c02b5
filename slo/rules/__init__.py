"""Objectives and worries as Prometheus' recording and alerting rules, and the tests that prove them."""
