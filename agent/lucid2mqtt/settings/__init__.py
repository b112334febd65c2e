"""The user's settings: one YAML file, environment variables and secret files, checked as a whole before anything runs.

`load` gives a `Settings` or raises one SettingsError that lists every fault with its place. Adapters never see this tree:
they get small frozen options made from it (`Settings.module_options` here, the others in `app`).
"""

from lucid2mqtt.settings.load import load
from lucid2mqtt.settings.schema import Settings

__all__ = ["Settings", "load"]
