"""What machines read: Prometheus exporters and the span recorder."""
