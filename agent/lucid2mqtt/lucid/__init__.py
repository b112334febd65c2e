"""The LucidControl protocol, pure: bytes in, values out. No clock, no socket, no port."""
