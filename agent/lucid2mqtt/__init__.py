"""LucidControl USB IO modules on MQTT and in Home Assistant."""

__version__ = "0.1.0"
