"""What exporters cost: those who scrape them, and the sources that they read."""
