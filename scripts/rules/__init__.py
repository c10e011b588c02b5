"""What `rules` and `slo check` do beside slo/rules/: arguments, what is exposed, Alertmanager, the stack's files."""
