"""The shop's forms, and the pages that show what became of them."""
