"""How often a verdict is wrong: shops of known truth, judged by the product's own functions."""
