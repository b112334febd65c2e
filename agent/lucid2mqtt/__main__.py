"""`python -m lucid2mqtt`."""

from __future__ import annotations

import sys

from lucid2mqtt.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
