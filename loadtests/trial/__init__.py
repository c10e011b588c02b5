"""A trial: one session of each journey, at one request a second, watched step by step."""
