"""What `peakproof runs` does: lists and shows runs, keeps them in a store, marks baselines, prunes, draws a season."""
