"""The stand-in web shop of Twisted Threads."""
