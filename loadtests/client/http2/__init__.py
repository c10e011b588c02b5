"""HTTP/2 (RFC 9113) for shoppers: one connection a session, each request a stream of it."""
