"""The thermostat, pure: no I/O and no clock; time is a parameter."""
