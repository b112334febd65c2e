"""Thermostats on the running house: the pure controller joined to board, desk and store."""
