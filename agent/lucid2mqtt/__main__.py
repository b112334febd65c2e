"""`lucid2mqtt`, and `python -m lucid2mqtt`."""

from __future__ import annotations

import gc
import os
import sys


def main() -> int:
    """Runs this process's command line; the exit code."""
    gc.disable()  # imports leave no garbage but are searched for it again and again: a twelfth of the start (measured)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # nobody plugs in here, and looking reads every installed package
    from lucid2mqtt.cli.main import main as run_command_line  # noqa: PLC0415  not before the two lines above

    return run_command_line()


if __name__ == "__main__":
    sys.exit(main())
