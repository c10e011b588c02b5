"""`make bench-engine`: what a request costs the load engine, and how true its clocks are, on a pinned target."""
