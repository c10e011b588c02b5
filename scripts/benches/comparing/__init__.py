"""How often a comparison of two releases is wrong: jobs of known truth, judged by the product's own `compare`."""
