"""The front: a small reverse proxy before the shop's replicas, with the access log."""
