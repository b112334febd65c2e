"""The words of the house, pure: names, channels, readings, when a reading is news."""
