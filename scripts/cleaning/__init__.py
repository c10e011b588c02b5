"""`peakproof cleanup`: behind a run's guard rails, what it created is removed, and what is left is proven."""
