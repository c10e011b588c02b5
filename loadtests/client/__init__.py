"""The shopper's HTTP client: HTTP/1.1 on raw sockets in gevent's hub, typed requests in, typed outcomes out."""
