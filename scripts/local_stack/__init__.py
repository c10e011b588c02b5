"""What runs beside a test on one machine: Prometheus, the stand-in shop, and the processes themselves."""
