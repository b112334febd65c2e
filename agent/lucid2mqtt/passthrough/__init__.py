"""Lets programs that speak to a module themselves go on doing so: over TCP, TLS, unix sockets and pseudo terminals."""
