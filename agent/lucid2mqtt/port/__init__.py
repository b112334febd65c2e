"""The ports: the only code that opens a device or dials a module, and the one place where requests take turns."""
