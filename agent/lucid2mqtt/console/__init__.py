"""The agent's own door for its command line: a unix socket with JSON lines, one request and one reply each."""
