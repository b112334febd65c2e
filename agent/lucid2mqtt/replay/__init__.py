"""A thermostat played over a simulated or a recorded day, in seconds and without hardware."""
