"""Makes what is released, and looks whether it may be: `./run release-check`, `./run build`, `./run deb`, `./run addon`."""
