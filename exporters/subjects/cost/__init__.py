"""What the cloud costs, from bills in the FOCUS format (https://focus.finops.org/focus-specification/, 1.0 to 1.2)."""
