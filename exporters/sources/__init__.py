"""How any subject reads a table of values: a SQL query, a CSV drop, a JSON endpoint; one typed configuration each."""
