"""The running house: modules that came and go, who reads them when, the board of readings and the desk that switches."""
