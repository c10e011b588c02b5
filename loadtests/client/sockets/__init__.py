"""Connections in gevent's hub: plain, over TLS, past a proxy, with deadlines."""
