"""The folder of the Home Assistant add-on: config/home-assistant-addon with the program in it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from lucid2mqtt import __version__
from tests.release.build import REPOSITORY, build

SOURCE = REPOSITORY / "config/home-assistant-addon"
_VERSION = re.compile(r"^version: .*$", re.MULTILINE)


def assemble_addon(out: Path, epoch: int) -> Path:
    """Makes `out`/lucid2mqtt-addon anew, to be copied to /addons of a Home Assistant machine. Raises CalledProcessError."""
    folder = out / "lucid2mqtt-addon"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "config.yaml").write_text(_VERSION.sub(f'version: "{__version__}"', (SOURCE / "config.yaml").read_text()))
    shutil.copy(REPOSITORY / "CHANGELOG.md", folder)
    shutil.copy(REPOSITORY / "agent/locks/core.txt", folder)
    build(folder, epoch, targets=("wheel",))
    return folder
