"""Playing the two releases of a comparison: side by side, or one after the other."""
