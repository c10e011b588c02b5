"""What Peakproof adds to Locust's web UI: a page that shows and changes the run, and a guard before all pages."""
