"""Why an objective was missed."""
