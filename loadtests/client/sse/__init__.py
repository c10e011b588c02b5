"""Server-sent events (WHATWG HTML, 9.2)."""
