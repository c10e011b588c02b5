"""The stand-in Twisted Threads shop and its payment provider, reached over HTTP only."""
