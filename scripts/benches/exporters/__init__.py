"""What the exporters, the rules and the alerts cost and prove, measured."""
