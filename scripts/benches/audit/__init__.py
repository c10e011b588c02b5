"""The audit of a million orders, against DuckDB's plain join of the same rows."""
