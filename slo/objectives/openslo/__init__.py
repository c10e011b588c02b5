"""OpenSLO v1: one module a kind of document, and how a set of documents becomes objectives."""
