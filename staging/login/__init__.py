"""The stand-in login provider: OpenID Connect over an origin of its own, with accounts of its own."""
