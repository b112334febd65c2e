"""Virtual modules that are never more generous than the hardware, worlds to plug them into, and faults by name."""
