"""The span recorder."""
