"""The verdict as plain text: for a terminal, for CI, for a pull request."""
